"""How often a user may do something: token buckets that cost memory only while they are in use."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable


class Rate:
    """So many tokens a minute for each key, and no more than that at once.

    Each bucket is one number, the moment at which it is full again (the generic cell rate
    algorithm); one that is full needs none, so memory is bounded by what happened in the last
    minute or two.

    Args:
        per_minute: tokens of a full bucket, and tokens that come back in a minute.
        clock: seconds that only move forward.
    """

    def __init__(self, per_minute: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._size = 60.0
        self._token = self._size / per_minute
        self._clock = clock
        self._full_at: OrderedDict[str, float] = OrderedDict()

    def wait(self, key: str) -> float:
        """Seconds until there is a token; 0 if there is one now."""
        full_at = self._full_at.get(key)
        if full_at is None:
            return 0.0
        seconds = full_at - self._clock() + self._token - self._size
        # Sums of fractions come out a little off: the last token of a bucket is one all the same.
        return seconds if seconds > 1e-6 else 0.0

    def take(self, key: str) -> None:
        """Take a token, be there one or not."""
        now = self._clock()
        self._full_at[key] = max(now, self._full_at.get(key, now)) + self._token
        self._full_at.move_to_end(key)
        self._forget(now)

    def give_back(self, key: str) -> None:
        """Put a token back that was not needed."""
        if key in self._full_at:
            self._full_at[key] -= self._token
        self._forget(self._clock())

    def __len__(self) -> int:
        return len(self._full_at)

    def _forget(self, now: float) -> None:
        """Drop full buckets; one that is not hides those that were used after it, for no longer
        than it takes to fill."""
        while self._full_at and next(iter(self._full_at.values())) <= now:
            self._full_at.popitem(last=False)
