"""A time limit for others, which does not count how late we were ourselves."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, Final, TypeVar

T = TypeVar("T")

TICK: Final = 0.05


async def within(seconds: float, attempt: Coroutine[Any, Any, T]) -> T:
    """What comes of an attempt.

    A process that gets no CPU, or was busy for long, finds its timers due before it has read what
    came meanwhile, and would blame who answered at once. So the limit is counted in ticks, and the
    event loop reads between two of them: however late one is, it counts as one.

    Raises:
        TimeoutError: nothing has come of it; the attempt is cancelled.
    """
    task = asyncio.ensure_future(attempt)
    try:
        for _ in range(max(1, round(seconds / TICK))):
            await asyncio.wait({task}, timeout=TICK)
            if task.done():
                return task.result()
        raise TimeoutError
    finally:
        task.cancel()
