"""How a gateway leaves: clients are sent away, what is under way comes to its end."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Final

import structlog
from aiohttp import web

from gamesession.gateway.breaking import break_off
from gamesession.gateway.request import GatewayRequest

LAST_WORDS: Final = 1.0
"""Seconds before the end of the grace in which those who still wait are told to come again."""

TURNS: Final = 5
"""Turns of the event loop between bytes that wait in the kernel and the handler of a request."""

Handler = Callable[[GatewayRequest], Awaitable[web.StreamResponse]]

log = structlog.get_logger(__name__)


class Drain:
    """Knows what is under way.

    Args:
        grace: seconds that requests may go on once no new connections are taken.

    Attributes:
        begun: whether clients are sent away: every answer then closes its connection, so that the
            next request goes to another replica.
    """

    def __init__(self, *, grace: float) -> None:
        self._grace = grace
        self._requests: dict[int, web.BaseRequest] = {}
        self._idle: asyncio.Event | None = None
        self._endings: set[Callable[[], object]] = set()
        self._ends_at: float | None = None
        self.begun = False

    def around(self, handler: Handler) -> Handler:
        """The handler, whose requests are then known."""

        requests = self._requests

        async def handle(request: GatewayRequest) -> web.StreamResponse:
            requests[id(request)] = request
            try:
                return await handler(request)
            finally:
                del requests[id(request)]
                if self._idle is not None and not requests:
                    self._idle.set()

        return handle

    @contextmanager
    def ending(self, end: Callable[[], object]) -> Iterator[None]:
        """What is done within has no end of its own, or one that may be too late.

        Args:
            end: called once when it is to end; at once if that time has come already.
        """
        if self._ends_at is not None:
            end()
        self._endings.add(end)
        try:
            yield
        finally:
            self._endings.discard(end)

    def hurrying(self, limit: asyncio.Timeout) -> AbstractContextManager[None]:
        """What is done within that time limit waits, and is to give up while there is time for an
        answer that says so."""

        def hurry() -> None:
            when, ends_at = limit.when(), self._ends_at
            if not limit.expired() and when is not None and ends_at is not None:
                limit.reschedule(min(when, ends_at - min(LAST_WORDS, self._grace / 2)))

        return self.ending(hurry)

    def begin(self) -> None:
        """Send clients away with their answers from now on."""
        self.begun = True

    async def finish(self) -> None:
        """Bring to an end what is under way; returns when no request is, at the latest when the
        grace is over: those left are broken off, for their clients to see."""
        self.begin()
        self._ends_at = asyncio.get_running_loop().time() + self._grace
        for end in tuple(self._endings):
            end()
        try:
            async with asyncio.timeout(self._grace):
                await self._quiet()
        except TimeoutError:
            log.warning("requests broken off", count=len(self._requests))
            for request in tuple(self._requests.values()):
                break_off(request)

    async def _quiet(self) -> None:
        """Wait until no request is under way, nor one that has arrived and not been read yet."""
        while True:
            self._idle = asyncio.Event()
            if self._requests:
                await self._idle.wait()
            for _ in range(TURNS):
                await asyncio.sleep(0)
            if not self._requests:
                return
