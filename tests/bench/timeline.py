"""When what was first seen of one start."""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict

PATIENCE = 60.0


class Timeline:
    """Marks, each of which is set once."""

    def __init__(self) -> None:
        self._at: dict[str, float] = {}
        self._seen: defaultdict[str, asyncio.Event] = defaultdict(asyncio.Event)

    def mark(self, what: str, at: float | None = None) -> None:
        """It is there now, or since `at` (`time.monotonic`); what was seen before stays."""
        self._at.setdefault(what, time.monotonic() if at is None else at)
        self._seen[what].set()

    def has(self, what: str) -> bool:
        """Whether it was seen."""
        return what in self._at

    async def until(self, *marks: str) -> None:
        """Return when all of these were seen.

        Raises:
            TimeoutError: they were not within `PATIENCE` seconds; the message names the first.
        """
        for what in marks:
            try:
                async with asyncio.timeout(PATIENCE):
                    await self._seen[what].wait()
            except TimeoutError as error:
                raise TimeoutError(f"not seen within {PATIENCE:g} s: {what}") from error

    def seconds(self, since: str, until: str) -> float:
        """From one mark to another."""
        return self._at[until] - self._at[since]
