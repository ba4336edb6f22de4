"""Whom a request is for, as the gateway says in its headers."""

from __future__ import annotations

from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import unquote

from gamesession.api.identity import (
    GAME_HEADER,
    POD_HEADER,
    REQUEST_ID_HEADER,
    SESSION_HEADER,
    USER_HEADER,
    encoded,
)
from gamesession.api.names import SessionId

KEY: Final = "gamesession.identity"
"""Where ASGI scopes and WSGI environments bear it."""

HEADERS: Final = (USER_HEADER, SESSION_HEADER, GAME_HEADER, POD_HEADER, REQUEST_ID_HEADER)
REQUIRED: Final = (USER_HEADER, SESSION_HEADER, GAME_HEADER, POD_HEADER)


@dataclass(frozen=True, slots=True)
class Identity:
    """Whom a request is for.

    Attributes:
        user, session_id: decoded.
        pod: uid of the pod that it is meant for.
        request_id: `""` if there is none.
    """

    user: str
    session_id: str
    game: str
    pod: str
    request_id: str = ""

    @property
    def session(self) -> tuple[str, str, str]:
        """What is the same for all requests of one session."""
        return self.user, self.session_id, self.game


CURRENT: Final[ContextVar[Identity | None]] = ContextVar("gamesession.identity", default=None)


def current() -> Identity | None:
    """Whom the request is for that is being answered in this context.

    `None` outside of requests, and in those to exempt paths as long as the pod serves nobody.
    """
    return CURRENT.get()


def identity_of(request: Mapping[str, Any]) -> Identity:
    """Whom a request is for.

    Args:
        request: its ASGI scope or its WSGI environment.

    Raises:
        LookupError: it went past the middleware, or its path is exempt and the pod serves nobody.
    """
    found = request.get(KEY)
    if not isinstance(found, Identity):
        raise LookupError("this request has no identity: is the middleware installed?")
    return found


def read(headers: Mapping[str, str]) -> Identity | None:
    """Read the identity headers of a request.

    Args:
        headers: those of `HEADERS` that there are.

    Returns:
        `None` if one of those that are needed is missing.

    Raises:
        ValueError: they are not as the gateway writes them.
    """
    if not all(headers.get(name) for name in REQUIRED):
        return None
    found = Identity(
        user=_decoded(headers, USER_HEADER),
        session_id=_decoded(headers, SESSION_HEADER),
        game=headers[GAME_HEADER],
        pod=headers[POD_HEADER],
        request_id=headers.get(REQUEST_ID_HEADER, ""),
    )
    session = SessionId.parse(found.session_id)
    if (session.user, session.game) != (found.user, found.game):
        raise ValueError(f"{SESSION_HEADER} is not of this {USER_HEADER} and {GAME_HEADER}")
    return found


def _decoded(headers: Mapping[str, str], name: str) -> str:
    """The value of a header that is percent-encoded UTF-8, written in the one way there is."""
    value = headers[name]
    try:
        found = unquote(value, errors="strict")
    except UnicodeDecodeError as error:
        raise ValueError(f"{name} is not percent-encoded UTF-8") from error
    if encoded(found) != value:
        raise ValueError(f"{name} is not percent-encoded as the gateway does it")
    return found
