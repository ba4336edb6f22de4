"""The time limit for others."""

from __future__ import annotations

import asyncio
import time

import pytest

from gamesession.gateway.patience import within


async def answer_after(seconds: float) -> str:
    await asyncio.sleep(seconds)
    return "here"


async def test_what_comes_in_time_is_there() -> None:
    assert await within(60, answer_after(0)) == "here"


async def test_what_does_not_come_is_given_up() -> None:
    gone = asyncio.Event()

    async def attempt() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            gone.set()

    with pytest.raises(TimeoutError):
        await within(0.1, attempt())
    await asyncio.wait_for(gone.wait(), 10)


async def test_what_came_while_we_were_late_came_in_time() -> None:
    """(With `asyncio.timeout`, it would not have.)"""
    waiting = asyncio.create_task(within(0.3, answer_after(0.1)))
    await asyncio.sleep(0)
    time.sleep(0.5)  # noqa: ASYNC251 (this is the lateness)
    assert await waiting == "here"


async def test_an_error_is_that_of_the_attempt() -> None:
    async def fail() -> None:
        raise OSError("refused")

    with pytest.raises(OSError, match="refused"):
        await within(60, fail())


async def test_who_leaves_leaves_nothing_behind() -> None:
    gone = asyncio.Event()

    async def attempt() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            gone.set()

    waiting = asyncio.create_task(within(60, attempt()))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.wait_for(gone.wait(), 10)
