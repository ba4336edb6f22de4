"""Waiting in tests: for a condition, with a deadline, never for a time."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")

DEADLINE = 60.0
"""Seconds; generous, for a slow machine must not turn a test red."""


async def eventually(
    check: Callable[[], Awaitable[T | None]], *, deadline: float = DEADLINE, every: float = 0.02
) -> T:
    """The first result of `check` that is neither `None` nor `False`.

    An `AssertionError` of the check counts as "not yet", and is what the test fails with in the
    end, so that it says what was missing.

    Raises:
        TimeoutError: the deadline passed.
    """
    ends = time.monotonic() + deadline
    while True:
        last: AssertionError | None = None
        try:
            result = await check()
        except AssertionError as error:
            last, result = error, None
        if result is not None and result is not False:
            return result
        if time.monotonic() > ends:
            name = getattr(check, "__name__", check)
            raise TimeoutError(f"not within {deadline:g} s: {name}") from last
        await asyncio.sleep(every)
