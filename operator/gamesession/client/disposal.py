"""Ending an object of a user's: its `cleanup()`, or else its `stop()`, whatever comes of it."""

from __future__ import annotations

import asyncio
import concurrent.futures
import inspect
from collections.abc import Awaitable, Callable
from concurrent.futures import Future
from typing import Any

import structlog

from gamesession.client.loop import Loop
from gamesession.client.workers import Workers

log = structlog.get_logger(__name__)


class Disposal:
    """Calls the method that ends an object, never in the way of anything else.

    Plain functions run in a thread of their own. Coroutine functions run on the user's event loop
    as long as that runs, else in such a thread on a loop of their own.

    Args:
        loop: the user's event loop; `None` where it is ours and the user knows none.
    """

    def __init__(self, workers: Workers, loop: asyncio.AbstractEventLoop | None) -> None:
        self._workers = workers
        self._loop = loop
        self._under_way: set[Future[None]] = set()

    def begin(self, obj: object, name: str, session: str) -> None:
        """End an object; returns at once.

        Args:
            name, session: what it was stored as, for the log.
        """
        outcome = self._call(obj)
        if outcome is None:
            return
        self._under_way.add(outcome)
        outcome.add_done_callback(lambda done: self._ended(done, name, session))

    async def ended(self, seconds: float) -> None:
        """Wait until all that has begun has ended, for at most so many seconds."""
        waits = [asyncio.shield(asyncio.wrap_future(each)) for each in list(self._under_way)]
        if waits:
            await asyncio.wait(waits, timeout=seconds)
        self._tell_of_the_rest(seconds)

    def wait(self, seconds: float) -> None:
        """The same, where there is no event loop."""
        concurrent.futures.wait(list(self._under_way), timeout=seconds)
        self._tell_of_the_rest(seconds)

    def _call(self, obj: object) -> Future[None] | None:
        try:
            end = _end_of(obj)
        except Exception:
            log.exception("cleanup not found", kind=type(obj).__name__)
            return None
        if end is None:
            return None
        if self._loop is None or not self._loop.is_running():
            return self._workers.submit(lambda: _call_in_thread(end))
        if inspect.iscoroutinefunction(end):
            return asyncio.run_coroutine_threadsafe(_awaited(end()), self._loop)
        return asyncio.run_coroutine_threadsafe(self._threaded(end), self._loop)

    async def _threaded(self, end: Callable[[], Any]) -> None:
        result = await asyncio.wrap_future(self._workers.submit(end))
        if inspect.isawaitable(result):
            await result

    def _tell_of_the_rest(self, seconds: float) -> None:
        if rest := sum(not each.done() for each in list(self._under_way)):
            log.error("cleanup takes too long, not waited for", objects=rest, seconds=seconds)

    def _ended(self, outcome: Future[None], name: str, session: str) -> None:
        self._under_way.discard(outcome)
        if outcome.cancelled():
            log.error("cleanup broken off", service=name, session=session)
        elif (error := outcome.exception()) is not None:
            log.error("cleanup failed", service=name, session=session, exc_info=error)


def _end_of(obj: object) -> Callable[[], Any] | None:
    for method in ("cleanup", "stop"):
        end = getattr(obj, method, None)
        if callable(end):
            return end  # type: ignore[no-any-return]
    return None


def _call_in_thread(end: Callable[[], Any]) -> None:
    result = end()
    if inspect.isawaitable(result):
        with asyncio.Runner(loop_factory=Loop) as runner:
            runner.run(_awaited(result))


async def _awaited(result: Awaitable[Any]) -> None:
    await result
