"""When to fill pools: not while users wait for what the API server is asked for them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from gamesession.controller.shelf import Key

PAUSE: Final = 0.02
"""Seconds until it is asked again whether there is a lull: a start's two writes take about that."""
LONGEST: Final = 1.0
"""Seconds that a pool is put off at most: however many come now, others come after them."""


class Lull:
    """A moment in which no session is being worked on.

    A pod for the next user costs the API server more than a warm start does, and would delay this
    one.

    Args:
        clock: seconds that only move forward.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._working = 0
        self._since: dict[Key, float] = {}

    @contextmanager
    def prevented(self) -> Iterator[None]:
        """While a session is worked on."""
        self._working += 1
        try:
            yield
        finally:
            self._working -= 1

    def seconds_to(self, pool: Key) -> float:
        """How long to put off a look at a pool; 0 if it can be now, or has been put off for
        `LONGEST`."""
        now = self._clock()
        left = self._since.setdefault(pool, now) + LONGEST - now
        if not self._working or left <= 0:
            del self._since[pool]
            return 0.0
        return min(PAUSE, left)
