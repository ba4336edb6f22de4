"""One request: who asks, for what, and the answer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from time import perf_counter

import structlog
from aiohttp import hdrs, web

from gamesession.api.errors import BadRequest, GameSessionError, MethodNotAllowed
from gamesession.api.identity import REQUEST_ID_HEADER
from gamesession.gateway.ambiguity import check_head, target_of
from gamesession.gateway.answers import error_answer, json_answer, request_id_of
from gamesession.gateway.body import Body
from gamesession.gateway.endpoints import Endpoints
from gamesession.gateway.entrance import Entrance
from gamesession.gateway.events import Events
from gamesession.gateway.fallback import FALLBACK, Fallbacks
from gamesession.gateway.metrics import request_seconds
from gamesession.gateway.page import Pages
from gamesession.gateway.passage import Passage
from gamesession.gateway.paths import parse_target
from gamesession.gateway.proxy import Proxy
from gamesession.gateway.request import GatewayRequest
from gamesession.gateway.routes import EndpointRoute, Routes
from gamesession.gateway.target import REUSED, Target
from gamesession.gateway.websockets import is_websocket

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class Trail:
    """What is known of a request so far, for answers to errors and for metrics."""

    request_id: str
    body: Body
    log: structlog.typing.FilteringBoundLogger
    game: str = ""
    start: str = "none"
    passage: Passage | None = None

    def lead_to(self, target: Target) -> None:
        """The request is about to be sent there."""
        self.start = target.start
        if target.start == REUSED:
            session = target.session
            self.log.debug(
                "session reused", user=session.user, game=self.game, session=session.name
            )


class Gateway:
    """Answers requests.

    Args:
        body_of: makes the body of a request, within the configured bounds.
    """

    def __init__(
        self,
        entrance: Entrance,
        routes: Routes,
        endpoints: Endpoints,
        events: Events,
        proxy: Proxy,
        fallbacks: Fallbacks,
        pages: Pages,
        body_of: Callable[[web.BaseRequest], Body],
    ) -> None:
        self._entrance = entrance
        self._routes = routes
        self._endpoints = endpoints
        self._events = events
        self._proxy = proxy
        self._fallbacks = fallbacks
        self._pages = pages
        self._body_of = body_of
        # Bound once: this one is asked at every request, mostly for nothing.
        self._log = log.bind()

    async def handle(self, request: GatewayRequest) -> web.StreamResponse:
        """Answer a request, whatever comes of it."""
        began = perf_counter()
        request_id = request_id_of(request.headers.get(REQUEST_ID_HEADER))
        trail = Trail(request_id, self._body_of(request), self._log)
        try:
            answer = await self._answer(request, trail)
        except GameSessionError as error:
            page = self._entrance.page_for(request, error, trail.request_id)
            page = page or self._pages.page_for(trail.passage, error)
            answer = page or error_answer(error, trail.request_id)
            if isinstance(error, BadRequest):
                answer.force_close()  # what follows on its connection may be misread as well
        except Exception:
            log.exception("request failed", request_id=trail.request_id)
            failure = GameSessionError("The gateway failed on this request.")
            answer = error_answer(failure, trail.request_id)
        if not answer.prepared and trail.body.awaits_go_ahead:
            answer.force_close()  # nobody knows whether the body will come now
        seconds = perf_counter() - began
        request_seconds(trail.game, trail.start, answer.status).observe(seconds)
        return answer

    async def _answer(self, request: GatewayRequest, trail: Trail) -> web.StreamResponse:
        check_head(request)
        if (preflight := self._entrance.preflight(request)) is not None:
            preflight.headers[REQUEST_ID_HEADER] = trail.request_id
            return preflight
        user, expires = await self._entrance.admit(request)
        _check(request)
        path = parse_target(target_of(request))
        route = self._routes.resolve(path, request.method)
        trail.game = route.game.name
        trail.body.check_length()
        if isinstance(route, EndpointRoute):
            if route.endpoint == "events":
                game = route.game
                return await self._events.answer(request, game, user, trail.request_id, expires)
            status, body = await self._endpoints.answer(route, user)
            return json_answer(body, status, trail.request_id)

        passage = Passage(request, route, path, user, trail.request_id, trail.body, expires)
        trail.passage = passage
        try:
            return await self._proxy.carry(passage, trail.lead_to)
        except GameSessionError as error:
            answer = await self._fallbacks.answer(passage, error)
            trail.start = FALLBACK
            return answer


def _check(request: web.BaseRequest) -> None:
    """Refuse what is no plain request."""
    if request.method in ("CONNECT", "TRACE"):
        raise MethodNotAllowed(f"{request.method} is not served.")
    if hdrs.UPGRADE not in request.headers:
        return
    if any("upgrade" in value.lower() for value in request.headers.getall(hdrs.CONNECTION, ())):
        if not is_websocket(request):
            raise BadRequest("Only upgrades to a WebSocket are served.")
        if request.method != hdrs.METH_GET or request.body_exists:
            raise BadRequest("An upgrade to a WebSocket is a GET without a body (RFC 6455, 4.1).")
