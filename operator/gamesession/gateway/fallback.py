"""Who answers when no session can be had: a Game's `spec.fallback`."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

import aiohttp
import structlog
from aiohttp import hdrs, web

from gamesession.api.errors import (
    Capacity,
    GameSessionError,
    SessionStarting,
    StartFailed,
    Unavailable,
    UpstreamTimeout,
    UpstreamUnreachable,
)
from gamesession.api.fallback import Fallback
from gamesession.api.identity import GAME_HEADER, REQUEST_ID_HEADER, USER_HEADER, encoded
from gamesession.gateway.allowed import BaseUrl
from gamesession.gateway.drain import Drain
from gamesession.gateway.headers import START, to_client
from gamesession.gateway.metrics import FALLBACKS
from gamesession.gateway.passage import Passage, headers_of, send
from gamesession.gateway.relay import relay
from gamesession.gateway.websockets import SWITCHING, WebSockets
from gamesession.plan.game import Game

FALLBACK: Final = "fallback"
AT_ONCE: Final = (Capacity, StartFailed, Unavailable)

log = structlog.get_logger(__name__)


class Fallbacks:
    """Has fallbacks answer.

    Args:
        client: the pool of connections to all of them.
        namespace: where their Services are.
        allowed: where those given by URL may be.
        patience: seconds from the end of a request to the head of its answer.
        idle: seconds that a client may take no bytes of an answer for.
    """

    def __init__(
        self,
        client: aiohttp.ClientSession,
        websockets: WebSockets,
        drain: Drain,
        *,
        namespace: str,
        allowed: Collection[BaseUrl],
        patience: float,
        idle: float,
    ) -> None:
        self._client = client
        self._websockets = websockets
        self._drain = drain
        self._namespace = namespace
        self._allowed = allowed
        self._patience = patience
        self._idle = idle
        self._told: set[tuple[str, str]] = set()

    async def answer(self, passage: Passage, error: GameSessionError) -> web.StreamResponse:
        """The fallback's answer to a request.

        Args:
            error: why the request has no session's.

        Raises:
            GameSessionError: that error, if the request is not the fallback's, or it cannot be
                reached; another one if it got the request and did not answer it.
        """
        game = passage.route.game
        base = self._base(game)
        if base is None or not _takes(game.spec.fallback, passage, error):
            raise error
        try:
            answer = await self._send(passage, base)
        except (aiohttp.ClientError, OSError, TimeoutError, ValueError) as failure:
            log.warning("fallback does not answer", game=game.name, url=base, error=repr(failure))
            raise _reading_of(failure, error) from failure
        try:
            FALLBACKS.labels(game.name, error.code).inc()
            return await self._pass_back(passage, answer)
        finally:
            answer.close()

    def _base(self, game: Game) -> str | None:
        """Where the Game's fallback is, if it has one."""
        fallback = game.spec.fallback
        if fallback is None:
            return None
        if fallback.url is None:
            path = (fallback.path or "").rstrip("/")
            return f"http://{fallback.service}.{self._namespace}.svc:{fallback.port}{path}"
        try:
            base = BaseUrl.parse(fallback.url)
        except ValueError as error:
            self._tell(game, fallback.url, str(error))
            return None
        if not any(each.covers(base) for each in self._allowed):
            self._tell(game, fallback.url, "GAMESESSION_FALLBACK_URLS does not allow it")
            return None
        return str(base)

    def _tell(self, game: Game, url: str, why: str) -> None:
        """Say once why a fallback gets no requests."""
        if (game.uid, url) not in self._told:
            self._told.add((game.uid, url))
            log.error("fallback not used", game=game.name, url=url, reason=why)

    async def _send(self, passage: Passage, base: str) -> aiohttp.ClientResponse:
        identity = {USER_HEADER: encoded(passage.user), GAME_HEADER: passage.route.game.name}
        headers = headers_of(passage, identity)
        headers.popall(hdrs.HOST, None)  # it is another host, and may serve by name
        return await send(
            self._client, passage, passage.url(base), headers, patience=self._patience
        )

    async def _pass_back(
        self, passage: Passage, answer: aiohttp.ClientResponse
    ) -> web.StreamResponse:
        headers = to_client(answer.headers, ",".join(answer.headers.getall(hdrs.CONNECTION, ())))
        game = passage.route.game.name
        headers[START] = FALLBACK
        headers[REQUEST_ID_HEADER] = passage.request_id
        if answer.status == SWITCHING and passage.is_websocket:
            return await self._websockets.carry(
                passage.request,
                answer,
                headers,
                None,
                game=game,
                expires=passage.token_expires,
                on_data=_nothing,
            )
        if answer.status < 200:
            raise UpstreamUnreachable("The game's fallback did not answer in HTTP.")
        passage.body.on_failure = answer.close
        return await relay(
            passage.request,
            answer,
            headers,
            game=game,
            idle=self._idle,
            on_data=_nothing,
            drain=self._drain,
        )


def _takes(fallback: Fallback | None, passage: Passage, error: GameSessionError) -> bool:
    """Whether a request goes to the fallback: never one of which a pod may have got something."""
    if fallback is None or passage.sent or passage.body.taken:
        return False
    return isinstance(error, AT_ONCE) or (
        isinstance(error, SessionStarting) and fallback.on_slow_start
    )


def _reading_of(failure: Exception, error: GameSessionError) -> GameSessionError:
    """What to answer when the fallback does not: what it may have got is not to be sent again for
    `error`'s sake."""
    match failure:
        case aiohttp.ClientConnectorError() | aiohttp.ConnectionTimeoutError():
            return error
        case TimeoutError():
            return UpstreamTimeout("The game's fallback did not answer in time.")
        case _:
            return UpstreamUnreachable("The game's fallback did not answer in HTTP.")


def _nothing() -> None:
    """There is no session whose activity it would be."""
