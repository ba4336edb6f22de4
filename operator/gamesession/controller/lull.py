"""When to fill pools: not while users wait for what the API server is asked for them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from gamesession.controller.shelf import Key

QUIET: Final = 0.1
"""Seconds without a start after which nobody is taken to be about to come: a pod that is made keeps
the cluster busy for a while, a start's two writes take a fifth of this."""
LONGEST: Final = 1.0
"""Seconds that a pool is put off at most: however many come now, others come after them. After so
long without a start nobody is taken to come at all."""


class Lull:
    """A moment in which no session is being worked on, nor was just before.

    A pod for the next user costs the cluster more than a warm start does, and would delay this one.

    Args:
        clock: seconds that only move forward.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._working = 0
        self._worked_at = -LONGEST
        self._since: dict[Key, float] = {}
        self._next: dict[Key, float] = {}

    @contextmanager
    def prevented(self) -> Iterator[None]:
        """While a session is worked on."""
        self._working += 1
        try:
            yield
        finally:
            self._working -= 1
            self._worked_at = self._clock()

    @property
    def is_long(self) -> bool:
        """Whether nobody has come for `LONGEST`."""
        return self._quiet_for() >= LONGEST

    def seconds_to(self, pool: Key) -> float:
        """How long to put off a look at a pool; 0 if it can be now, or has been put off for
        `LONGEST`. While users come, two looks are at least `QUIET` apart."""
        if self.is_long:
            self._since.clear()
            self._next.clear()
            return 0.0
        now = self._clock()
        left = self._since.setdefault(pool, now) + LONGEST - now
        quiet = self._quiet_for() >= QUIET and now >= self._next.get(pool, 0.0)
        if left > 0 and not quiet:
            return min(QUIET, left)
        del self._since[pool]
        self._next[pool] = now + QUIET
        return 0.0

    def _quiet_for(self) -> float:
        return 0.0 if self._working else self._clock() - self._worked_at
