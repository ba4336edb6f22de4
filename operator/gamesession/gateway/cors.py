"""What pages of other origins may do with the gateway, as browsers ask it (Fetch, 3.2)."""

from __future__ import annotations

import re
from typing import Final

from aiohttp import hdrs, web
from multidict import CIMultiDict

from gamesession.api.errors import ForbiddenOrigin
from gamesession.api.identity import REQUEST_ID_HEADER, SESSION_HEADER
from gamesession.gateway.headers import START
from gamesession.gateway.origin import ANY

EXPOSED: Final = f"{SESSION_HEADER}, {START}, {REQUEST_ID_HEADER}, {hdrs.RETRY_AFTER}"
REMEMBERED_SECONDS: Final = 600

_TOKEN: Final = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_METHOD: Final = re.compile(_TOKEN)
_NAMES: Final = re.compile(rf"{_TOKEN}(?:[ \t]*,[ \t]*{_TOKEN})*")


class Cors:
    """The rules for a set of origins. What pods say of it does not count, but for the names of
    headers that a page may read.

    Args:
        origins: exact ones, or `*`.
        credentials: whether browsers may send cookies along.
    """

    def __init__(self, origins: frozenset[str], *, credentials: bool) -> None:
        self._origins = origins
        self._any = ANY in origins
        self._credentials = credentials

    def allows(self, origin: str) -> bool:
        """Whether pages of an origin may use the gateway."""
        return self._any or origin in self._origins

    def preflight(self, request: web.BaseRequest) -> web.Response | None:
        """The answer to a preflight; `None` for any other request.

        Raises:
            ForbiddenOrigin: the page that asks may not.
        """
        if request.method != hdrs.METH_OPTIONS:
            return None
        headers = request.headers
        method = headers.get(hdrs.ACCESS_CONTROL_REQUEST_METHOD)
        if method is None or hdrs.ORIGIN not in headers:
            return None
        if not self.allows(headers[hdrs.ORIGIN]):
            raise ForbiddenOrigin(
                "Pages of this origin may not use the gateway: "
                "GAMESESSION_ALLOWED_ORIGINS does not name it."
            )
        answer = web.Response(status=204)
        answer.headers[hdrs.ACCESS_CONTROL_MAX_AGE] = str(REMEMBERED_SECONDS)
        # Which methods and headers a game knows is the game's matter.
        if _METHOD.fullmatch(method):
            answer.headers[hdrs.ACCESS_CONTROL_ALLOW_METHODS] = method
        names = ", ".join(headers.getall(hdrs.ACCESS_CONTROL_REQUEST_HEADERS, ()))
        if _NAMES.fullmatch(names):
            answer.headers[hdrs.ACCESS_CONTROL_ALLOW_HEADERS] = names
        for asked in (hdrs.ACCESS_CONTROL_REQUEST_METHOD, hdrs.ACCESS_CONTROL_REQUEST_HEADERS):
            answer.headers.add(hdrs.VARY, asked)
        return answer

    def dress(self, request: web.BaseRequest, headers: CIMultiDict[str]) -> None:
        """Say in the headers of an answer who may read it."""
        pods = headers.popall(hdrs.ACCESS_CONTROL_EXPOSE_HEADERS, ())
        if not self._origins:
            return
        if not self._any:
            headers.add(hdrs.VARY, hdrs.ORIGIN)
        origin = request.headers.get(hdrs.ORIGIN)
        if origin is None or not self.allows(origin):
            return
        headers[hdrs.ACCESS_CONTROL_ALLOW_ORIGIN] = ANY if self._any else origin
        headers[hdrs.ACCESS_CONTROL_EXPOSE_HEADERS] = ", ".join([EXPOSED, *pods])
        if self._credentials:
            headers[hdrs.ACCESS_CONTROL_ALLOW_CREDENTIALS] = "true"
