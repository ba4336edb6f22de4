"""The gateway's door: who may come in, whom it shows elsewhere, and what browsers are told."""

from __future__ import annotations

from aiohttp import hdrs, web
from aiohttp.http_parser import RawRequestMessage
from multidict import CIMultiDict

from gamesession.api.errors import ForbiddenOrigin, GameSessionError, Unauthorized
from gamesession.api.identity import REQUEST_ID_HEADER
from gamesession.gateway.auth import Authenticator
from gamesession.gateway.cookie import AuthCookie
from gamesession.gateway.cors import Cors
from gamesession.gateway.credentials import Credential, take
from gamesession.gateway.crossing import crossing_page
from gamesession.gateway.login import login_location
from gamesession.gateway.navigation import is_navigation
from gamesession.gateway.provenance import check_page
from gamesession.gateway.request import GatewayRequest
from gamesession.gateway.settings import GatewaySettings


class Entrance:
    """Looks at every request before anybody else does, and at every answer last."""

    def __init__(self, settings: GatewaySettings, authenticator: Authenticator) -> None:
        self._authenticator = authenticator
        self._origins = settings.allowed_origins
        self._login_url = settings.login_url
        self._cookie = AuthCookie(settings.auth_cookie) if settings.auth_cookie else None
        self._cors = Cors(settings.allowed_origins, credentials=self._cookie is not None)

    def take(self, message: RawRequestMessage) -> tuple[RawRequestMessage, Credential | None]:
        """The head of a request without its token, and the token."""
        return take(message, self._cookie)

    def preflight(self, request: web.BaseRequest) -> web.Response | None:
        """The answer to a browser that asks what a page may do, before anybody is known.

        Raises:
            ForbiddenOrigin: nothing.
        """
        return self._cors.preflight(request)

    async def admit(self, request: GatewayRequest) -> tuple[str, int]:
        """The user who asks, and until when their token counts (Unix seconds).

        Raises:
            Unauthorized: nobody that is known.
            ForbiddenOrigin: a page that may not ask in their name.
            Unavailable: it cannot be known now.
        """
        credential = request.credential
        if credential is None:
            cookie = f" So is the cookie {self._cookie.name}." if self._cookie else ""
            raise Unauthorized(f"Authorization: Bearer <token> is missing.{cookie}")
        known = await self._authenticator.check(credential.token)
        if credential.by_cookie:
            check_page(request, self._origins)
        return known

    def page_for(
        self, request: web.BaseRequest, error: GameSessionError, request_id: str
    ) -> web.Response | None:
        """What a person at a browser gets who was not let in; `None` if the plain error will do."""
        if not isinstance(error, (Unauthorized, ForbiddenOrigin)) or not is_navigation(request):
            return None
        if isinstance(error, ForbiddenOrigin):
            return crossing_page(request, error.status, request_id)
        location = login_location(request, self._login_url) if self._login_url else None
        if location is None:
            return None
        headers = {
            hdrs.LOCATION: location,
            hdrs.CACHE_CONTROL: "no-store",
            REQUEST_ID_HEADER: request_id,
        }
        return web.Response(status=303, headers=headers)

    def dress(self, request: web.BaseRequest, headers: CIMultiDict[str]) -> None:
        """See to what the head of an answer tells browsers, whoever gives it."""
        self._cors.dress(request, headers)
        if self._cookie is not None:
            self._cookie.guard(headers)
