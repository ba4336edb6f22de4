"""Times that were measured."""

from __future__ import annotations

import math
from collections.abc import Iterable


class Times:
    """Times of the same thing, measured many times.

    Args:
        seconds: one for each time.

    Raises:
        ValueError: there are none.
    """

    def __init__(self, seconds: Iterable[float]) -> None:
        self._sorted = sorted(seconds)
        if not self._sorted:
            raise ValueError("nothing was measured")

    def __len__(self) -> int:
        return len(self._sorted)

    def percentile(self, percent: float) -> float:
        """Milliseconds that this part of them took at most: the nearest rank, a time that was
        measured and none in between."""
        rank = math.ceil(len(self._sorted) * percent / 100)
        return self._sorted[max(rank, 1) - 1] * 1000

    @property
    def longest(self) -> float:
        """Milliseconds."""
        return self._sorted[-1] * 1000
