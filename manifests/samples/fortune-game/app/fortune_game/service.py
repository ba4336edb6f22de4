"""What both services have in common: the life they share, and who is let in."""

from __future__ import annotations

from aiohttp import web

from fortune_game.errors import errors_as_json
from fortune_game.identity import BadIdentity, Identity
from fortune_game.life import Life, NotServedHere

LIFE = web.AppKey("life", Life)
LARGEST_BODY = 64 * 1024
"""Bytes of a request's body; more are answered 413."""


def service(life: Life) -> web.Application:
    """A service that has no routes yet."""
    app = web.Application(middlewares=[errors_as_json], client_max_size=LARGEST_BODY)
    app[LIFE] = life
    return app


def admit(request: web.Request) -> Identity:
    """Who the request is for.

    Raises:
        web.HTTPBadRequest: an identity header is missing or malformed.
        web.HTTPMisdirectedRequest: it is for another pod or another user.
    """
    try:
        identity = Identity.from_headers(request.headers)
        request.app[LIFE].admit(identity)
    except BadIdentity as error:
        raise web.HTTPBadRequest(text=str(error)) from error
    except NotServedHere as error:
        raise web.HTTPMisdirectedRequest(text=str(error)) from error
    return identity
