"""The time of a simulation, and what happens in it."""

from __future__ import annotations

import heapq
import itertools
import math
import time
from collections.abc import Callable
from datetime import datetime, tzinfo

from tests.unit.plan.objects import at

Deed = Callable[[], object]


class Clock:
    """What time it is.

    Attributes:
        seconds: since the simulation began, which is at noon.
    """

    def __init__(self) -> None:
        self.seconds = 0.0

    def take_over(self) -> None:
        """From now on this is the process' only clock: the operator is to be imported after this,
        for its parts keep hold of the functions that tell the time."""
        time.monotonic = self.monotonic

    def datetimes(self) -> type[datetime]:
        """As `datetime`, but for what is now."""
        clock = self

        class Datetime(datetime):
            @classmethod
            def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
                return clock.now()

        return Datetime

    def monotonic(self) -> float:
        """As `time.monotonic`."""
        return self.seconds

    def now(self) -> datetime:
        """The time of day."""
        return at(self.seconds)


class Agenda:
    """What will happen, in order of time; what is due at once, in order of entry."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self._entries: list[tuple[float, int, Deed]] = []
        self._number = itertools.count()

    @property
    def next(self) -> float:
        """When the next thing happens."""
        return self._entries[0][0] if self._entries else math.inf

    def after(self, seconds: float, deed: Deed) -> None:
        """Let something happen in so many seconds."""
        entry = (self.clock.seconds + seconds, next(self._number), deed)
        heapq.heappush(self._entries, entry)

    def do_next(self) -> None:
        """Let the next thing happen."""
        heapq.heappop(self._entries)[2]()


CLOCK = Clock()
"""That of the process."""
