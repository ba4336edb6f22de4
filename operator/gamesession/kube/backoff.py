"""Waiting longer after each failure, with jitter, so that many who failed do not return as one."""

from __future__ import annotations

import random


class Backoff:
    """Delays that double from `first` to `longest`, each cut by up to a half at random.

    Args:
        first: seconds before the first retry.
        longest: seconds that no delay exceeds.
    """

    def __init__(self, first: float, longest: float) -> None:
        self._first = first
        self._longest = longest
        self._next = first

    def delay(self) -> float:
        """Seconds to wait now; the next call says about twice as much."""
        delay, self._next = self._next, min(self._next * 2, self._longest)
        return delay * random.uniform(0.5, 1.0)

    def reset(self) -> None:
        """All is well again: the next delay is a first one."""
        self._next = self._first
