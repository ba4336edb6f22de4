"""Which page made a browser send a request. Cookies go along whoever asks for it; so what comes
with nothing but a cookie must come from a page of ours (cross-site request forgery)."""

from __future__ import annotations

from typing import Final

from aiohttp import hdrs, web

from gamesession.api.errors import ForbiddenOrigin
from gamesession.gateway.origin import is_own, origin_of
from gamesession.gateway.websockets import is_websocket

SITE: Final = "Sec-Fetch-Site"

_SAFE: Final = frozenset({hdrs.METH_GET, hdrs.METH_HEAD, hdrs.METH_OPTIONS})


def check_page(request: web.BaseRequest, origins: frozenset[str]) -> None:
    """Refuse a request that no page of ours is known to have made.

    Browsers say the page's origin in `Origin` with methods that are not safe, with WebSockets and
    with CORS, and with all requests over TLS how near it is in `Sec-Fetch-Site`. Old ones, which do
    not say that, give it away in `Referer`, or get nothing.

    Args:
        origins: those beside our own whose pages may.

    Raises:
        ForbiddenOrigin: as said.
    """
    headers = request.headers
    site, origin = headers.get(SITE), headers.get(hdrs.ORIGIN)
    if origin is None and request.method in _SAFE and not is_websocket(request):
        if site in ("same-origin", "none"):  # none: a person did it, no page
            return
        origin = origin_of(headers.get(hdrs.REFERER, ""))
    if origin:
        if origin in origins:
            return
        # A page of http://us is not one of https://us. Only `Sec-Fetch-Site` tells them apart.
        if site in (None, "same-origin") and is_own(origin, headers.get(hdrs.HOST, "")):
            return
    raise ForbiddenOrigin(
        "A request with nothing but a cookie must come from a page of this host, or of an origin "
        "in GAMESESSION_ALLOWED_ORIGINS; programs say who they are with Authorization."
    )
