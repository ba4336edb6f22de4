"""Waiting for changes, and work that many ask for at once."""

from __future__ import annotations

import asyncio

import pytest

from gamesession.client.flight import Flights
from gamesession.client.waiting import Changes


async def test_all_who_wait_for_a_change_are_woken_and_nobody_else() -> None:
    changes = Changes()
    waiting = [asyncio.create_task(changes.next(key)) for key in ("a", "a", "b")]
    await asyncio.sleep(0)
    changes.tell("a")
    done, pending = await asyncio.wait(waiting, timeout=0.05)
    assert done == set(waiting[:2])
    for task in pending:
        task.cancel()


async def test_who_stops_waiting_leaves_nothing_behind() -> None:
    changes = Changes()
    task = asyncio.create_task(changes.next("a"))
    await asyncio.sleep(0)
    assert changes.waiting("a") == 1
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert changes.waiting("a") == 0


async def test_work_under_way_is_joined() -> None:
    flights: Flights[int] = Flights()
    begun, go = [], asyncio.Event()

    async def work() -> int:
        begun.append(1)
        await go.wait()
        return 7

    tasks = [asyncio.create_task(flights.join("a", work)) for _ in range(5)]
    await asyncio.sleep(0)
    go.set()
    assert await asyncio.gather(*tasks) == [7] * 5
    assert len(begun) == 1
    assert await flights.join("a", work) == 7
    assert len(begun) == 2


async def test_who_leaves_does_not_end_the_work_of_the_others() -> None:
    flights: Flights[int] = Flights()
    go = asyncio.Event()

    async def work() -> int:
        await go.wait()
        return 7

    leaver, stayer = (asyncio.create_task(flights.join("a", work)) for _ in range(2))
    await asyncio.sleep(0)
    leaver.cancel()
    await asyncio.gather(leaver, return_exceptions=True)
    go.set()
    assert await stayer == 7


async def test_a_failure_reaches_all_and_the_next_begins_anew() -> None:
    flights: Flights[int] = Flights()
    outcomes: list[int | ValueError] = [ValueError("first"), 7]

    async def work() -> int:
        await asyncio.sleep(0)
        outcome = outcomes.pop(0)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    found = await asyncio.gather(
        *(flights.join("a", work) for _ in range(3)), return_exceptions=True
    )
    assert [type(each) for each in found] == [ValueError] * 3
    assert await flights.join("a", work) == 7


@pytest.mark.parametrize("keys", [("a", "b")])
async def test_different_work_runs_side_by_side(keys: tuple[str, str]) -> None:
    flights: Flights[str] = Flights()
    met = asyncio.Barrier(2)

    async def work() -> str:
        async with asyncio.timeout(5):
            await met.wait()
        return "met"

    assert await asyncio.gather(*(flights.join(key, work) for key in keys)) == ["met", "met"]
