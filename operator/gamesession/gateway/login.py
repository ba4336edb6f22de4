"""Where people go who have no token: the login page, which sends them back here."""

from __future__ import annotations

import re
from typing import Annotated, Final
from urllib.parse import quote

from aiohttp import hdrs, web
from pydantic import AfterValidator

from gamesession.api.errors import BadRequest, NotFound
from gamesession.gateway.paths import parse_target

RETURN: Final = "{return}"

_URL: Final = re.compile(r"(?:https?://[A-Za-z0-9.:\[\]-]+)?/(?!/)[!-~]*\?[!-~]*")


def _login_url(url: str) -> str:
    _, _, query = url.partition("?")
    if not _URL.fullmatch(url) or query.count(RETURN) != 1 or "#" in url or "\\" in url:
        raise ValueError(
            "must be an address with {return} in its query, where the page to come back to is put: "
            "https://www.example.com/login?next={return}, or /login?next={return} on this host"
        )
    return url


LoginUrl = Annotated[str, AfterValidator(_login_url)]
"""`/path?parameter={return}`, or the same with a scheme and a host before it."""


def login_location(request: web.BaseRequest, url: str) -> str | None:
    """Where a navigation goes instead; `None` if it is for no game, and there is no coming back.

    To a login page on this host the way back is a path, to others a whole URL.
    """
    try:
        back = parse_target(request.raw_path).raw
    except (BadRequest, NotFound):
        return None
    if not url.startswith("/"):
        host = request.headers.get(hdrs.HOST)
        if not host:
            return None
        back = f"{_scheme(request)}://{host}{back}"
    return url.replace(RETURN, quote(back, safe=""))


def _scheme(request: web.BaseRequest) -> str:
    """How the browser came; TLS may end in front of us. Who lies misleads but themselves."""
    said = request.headers.get(hdrs.X_FORWARDED_PROTO, "").partition(",")[0].strip().lower()
    return said if said in ("http", "https") else request.scheme
