"""kopf comes to its end, whatever its tasks do."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import kopf
import pytest

from gamesession.controller import watching
from gamesession.controller.watching import Stuck, watch

Kopf = Callable[[asyncio.Event], Awaitable[None]]


class Deaf(Exception):
    """What ended kopf."""


@pytest.fixture
def stopping() -> asyncio.Event:
    return asyncio.Event()


@pytest.fixture
def kopf_is(monkeypatch: pytest.MonkeyPatch, stopping: asyncio.Event) -> Callable[[Kopf], None]:
    """Puts something in kopf's place, for which little time is long."""
    monkeypatch.setattr(watching, "ENDING_SECONDS", 0.2)

    def put(kopf_: Kopf) -> None:
        monkeypatch.setattr(kopf, "operator", lambda **_: kopf_(stopping))

    return put


async def run(stopping: asyncio.Event) -> None:
    """Watch, for a minute at most; nothing of it may go on then."""
    before = asyncio.all_tasks()
    try:
        await asyncio.wait_for(watch(kopf.OperatorRegistry(), ["games"], stopping), 60)
    finally:
        left = asyncio.all_tasks() - before
        await asyncio.gather(*left, return_exceptions=True)
        assert left == set() or all(task.cancelled() for task in left)


async def heedless() -> None:
    """Takes the first cancellation for something else."""
    try:
        await asyncio.Event().wait()
    except asyncio.CancelledError:
        await asyncio.Event().wait()


async def test_it_ends_when_kopf_does(kopf_is: Any, stopping: asyncio.Event) -> None:
    async def stops(stopping: asyncio.Event) -> None:
        stopping.set()

    kopf_is(stops)
    await run(stopping)


async def test_and_by_what_ended_kopf(kopf_is: Any, stopping: asyncio.Event) -> None:
    async def fails(stopping: asyncio.Event) -> None:
        stopping.set()
        raise Deaf

    kopf_is(fails)
    with pytest.raises(Deaf):
        await run(stopping)


async def test_kopf_that_waits_without_end_for_its_tasks_is_given_up(
    kopf_is: Any, stopping: asyncio.Event
) -> None:
    """As kopf 1.45.2 does when one watch fails while another one is about to connect."""

    async def hangs(stopping: asyncio.Event) -> None:
        task = asyncio.create_task(heedless())
        await asyncio.sleep(0)
        stopping.set()
        task.cancel()
        await asyncio.wait({task})

    kopf_is(hangs)
    with pytest.raises(Stuck):
        await run(stopping)


async def test_and_so_it_is_when_we_end_it(kopf_is: Any, stopping: asyncio.Event) -> None:
    async def hangs(_: asyncio.Event) -> None:
        task = asyncio.create_task(heedless())
        try:
            await asyncio.Event().wait()
        finally:
            task.cancel()
            await asyncio.wait({task})

    kopf_is(hangs)
    running = asyncio.create_task(run(stopping))
    await asyncio.sleep(0.05)
    running.cancel()
    await asyncio.wait({running}, timeout=60)
    assert running.cancelled()
