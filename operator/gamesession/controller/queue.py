"""The work queue: keys to look at, each by one worker at a time, again after an error."""

from __future__ import annotations

import asyncio
import contextlib
import heapq
import itertools
import math
import random
from collections.abc import Awaitable, Callable, Hashable
from typing import Final, Generic, TypeVar

import structlog

from gamesession.kube.errors import ApiError, Unreachable

log = structlog.get_logger(__name__)

K = TypeVar("K", bound=Hashable)

FIRST_BACKOFF: Final = 0.1
MAX_BACKOFF: Final = 30.0


class WorkQueue(Generic[K]):
    """Keys in order of arrival; a key that is added while it is worked on is worked on again.

    Args:
        work: looks at a key. An error of the API server is retried with backoff (0.1 s doubled
            up to 30 s, with jitter); any other is logged and retried likewise, for it is a bug
            and must not stop the others.
        workers: how many keys are worked on at once.
    """

    def __init__(self, work: Callable[[K], Awaitable[None]], *, workers: int = 64) -> None:
        self._work = work
        self._workers = workers
        self._ready: asyncio.Queue[K] = asyncio.Queue()
        self._queued: set[K] = set()
        self._active: set[K] = set()
        self._again: set[K] = set()
        self._failures: dict[K, int] = {}
        self._delayed: list[tuple[float, int, K]] = []
        self._due: dict[K, float] = {}
        self._number = itertools.count()
        self._earlier = asyncio.Event()

    def __len__(self) -> int:
        return len(self._queued) + len(self._active)

    def add(self, key: K) -> None:
        """Look at a key as soon as a worker is free."""
        if key in self._active:
            self._again.add(key)
        elif key not in self._queued:
            self._queued.add(key)
            self._ready.put_nowait(key)

    def add_after(self, key: K, seconds: float) -> None:
        """Look at a key in that time at the latest, whatever happens before."""
        if seconds <= 0:
            self.add(key)
            return
        at = asyncio.get_running_loop().time() + seconds
        if at < self._due.get(key, math.inf):
            self._due[key] = at
            heapq.heappush(self._delayed, (at, next(self._number), key))
            self._earlier.set()

    async def run(self) -> None:
        """Work until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._release())
            for _ in range(self._workers):
                tasks.create_task(self._worker())

    async def _release(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            self._earlier.clear()
            while self._delayed and self._delayed[0][0] <= loop.time():
                at, _, key = heapq.heappop(self._delayed)
                if self._due.get(key) == at:
                    del self._due[key]
                    self.add(key)
            wait = self._delayed[0][0] - loop.time() if self._delayed else None
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._earlier.wait(), wait)

    async def _worker(self) -> None:
        while True:
            key = await self._ready.get()
            self._queued.discard(key)
            self._active.add(key)
            try:
                await self._work(key)
            except (ApiError, Unreachable) as error:
                self._retry(key, error)
            except Exception:
                log.exception("bug: work failed", key=key)
                self._retry(key, None)
            else:
                self._failures.pop(key, None)
            self._active.discard(key)
            if key in self._again:
                self._again.discard(key)
                self.add(key)
            # Most looks find nothing to do and wait for nothing: thousands in a row, at the start,
            # would keep everybody else from running.
            await asyncio.sleep(0)

    def _retry(self, key: K, error: ApiError | Unreachable | None) -> None:
        count = self._failures[key] = self._failures.get(key, 0) + 1
        delay = min(MAX_BACKOFF, FIRST_BACKOFF * 2 ** min(count - 1, 16)) * random.uniform(0.8, 1.2)
        if isinstance(error, ApiError) and error.retry_after is not None:
            delay = max(delay, min(MAX_BACKOFF, error.retry_after))
        if error is not None:
            log.info("will be tried again", key=key, seconds=round(delay, 2), error=str(error))
        self.add_after(key, delay)
