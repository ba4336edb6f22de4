"""The same thing at an even rate, whether or not the one before is done."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

Step = Callable[[], Coroutine[Any, Any, object]]


async def at_rate(steps: Sequence[Step], per_second: float) -> list[datetime]:
    """Do all steps, and return when each was to begin.

    Raises:
        Exception: what the first step that failed raised.
    """
    begin = datetime.now(UTC)
    times = [begin + timedelta(seconds=number / per_second) for number in range(len(steps))]
    async with asyncio.TaskGroup() as tasks:
        for step, at in zip(steps, times, strict=True):
            await until(at)
            tasks.create_task(step())
    return times


async def until(moment: datetime) -> None:
    """Wait for a time of day; not at all if it has passed."""
    await asyncio.sleep(max(0.0, (moment - datetime.now(UTC)).total_seconds()))
