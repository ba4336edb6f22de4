"""The work queue: each key by one worker at a time, again after an error."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest
from structlog.testing import capture_logs

from gamesession.controller import queue
from gamesession.controller.queue import WorkQueue
from gamesession.kube.errors import Unreachable, api_error
from tests.eventually import eventually


class Work:
    """Takes note of what it is asked to do.

    Attributes:
        errors: raised, one after the other, before it succeeds.
        gate: closed, it keeps workers busy.
    """

    def __init__(self) -> None:
        self.done: list[str] = []
        self.errors: list[Exception] = []
        self.active: list[str] = []
        self.most_active = 0
        self.gate = asyncio.Event()
        self.gate.set()

    async def __call__(self, key: str) -> None:
        assert key not in self.active, f"{key} is worked on twice at once"
        self.active.append(key)
        self.most_active = max(self.most_active, len(self.active))
        try:
            await self.gate.wait()
            if self.errors:
                raise self.errors.pop(0)
            self.done.append(key)
        finally:
            self.active.remove(key)


@asynccontextmanager
async def at_work(work: Work, **options: int) -> AsyncIterator[WorkQueue[str]]:
    found = WorkQueue(work, **options)
    running = asyncio.create_task(found.run())
    try:
        yield found
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


async def until(check: Callable[[], bool]) -> None:
    async def checked() -> bool:
        return check()

    await eventually(checked, every=0.001)


@pytest.fixture(autouse=True)
def no_long_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queue, "FIRST_BACKOFF", 0.001)


async def test_keys_are_worked_on_in_order_of_arrival() -> None:
    work = Work()
    async with at_work(work, workers=1) as found:
        for key in "abc":
            found.add(key)
        await until(lambda: work.done == ["a", "b", "c"])


async def test_a_key_that_waits_is_not_queued_twice() -> None:
    work = Work()
    work.gate.clear()
    async with at_work(work, workers=1) as found:
        found.add("a")
        await until(lambda: work.active == ["a"])
        found.add("b")
        found.add("b")
        assert len(found) == 2
        work.gate.set()
        await until(lambda: not len(found))
    assert work.done == ["a", "b"]


async def test_a_key_that_changes_while_it_is_worked_on_is_worked_on_again() -> None:
    """What was decided may rest on what has changed since."""
    work = Work()
    work.gate.clear()
    async with at_work(work) as found:
        found.add("a")
        await until(lambda: work.active == ["a"])
        found.add("a")
        found.add("a")
        work.gate.set()
        await until(lambda: work.done == ["a", "a"] and not len(found))


async def test_several_keys_are_worked_on_at_once() -> None:
    work = Work()
    work.gate.clear()
    async with at_work(work, workers=3) as found:
        for key in "abcde":
            found.add(key)
        await until(lambda: len(work.active) == 3)
        work.gate.set()
        await until(lambda: len(work.done) == 5)
    assert work.most_active == 3


@pytest.mark.parametrize(
    "error", [api_error(409, ""), api_error(500, ""), api_error(404, ""), Unreachable("no answer")]
)
async def test_an_error_of_the_api_server_is_tried_again(error: Exception) -> None:
    work = Work()
    work.errors = [error]
    with capture_logs() as lines:
        async with at_work(work) as found:
            found.add("a")
            await until(lambda: work.done == ["a"])
    assert [line["event"] for line in lines] == ["will be tried again"]


async def test_a_bug_is_logged_and_stops_nobody() -> None:
    work = Work()
    work.errors = [KeyError("oops")]
    with capture_logs() as lines:
        async with at_work(work, workers=1) as found:
            found.add("a")
            found.add("b")
            await until(lambda: sorted(work.done) == ["a", "b"])
    assert [line["event"] for line in lines] == ["bug: work failed"]


async def test_each_failure_in_a_row_doubles_the_wait_and_a_success_ends_the_row(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("random.uniform", lambda low, high: 1.0)
    work = Work()
    work.errors = [api_error(500, "")] * 4
    with capture_logs() as lines:
        monkeypatch.setattr(queue, "FIRST_BACKOFF", 0.01)
        async with at_work(work) as found:
            found.add("a")
            await until(lambda: work.done == ["a"])
            work.errors = [api_error(500, "")]
            found.add("a")
            await until(lambda: work.done == ["a", "a"])
    assert [line["seconds"] for line in lines] == [0.01, 0.02, 0.04, 0.08, 0.01]


async def test_the_wait_has_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queue, "MAX_BACKOFF", 0.002)
    work = Work()
    work.errors = [api_error(500, "")] * 40
    async with at_work(work) as found:
        found.add("a")
        await until(lambda: work.done == ["a"])


async def test_the_api_servers_own_wish_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    work = Work()
    work.errors = [api_error(429, "", retry_after=0.05)]
    with capture_logs() as lines:
        async with at_work(work) as found:
            found.add("a")
            await until(lambda: work.done == ["a"])
    assert lines[0]["seconds"] == 0.05


async def test_a_key_may_be_looked_at_later() -> None:
    work = Work()
    async with at_work(work) as found:
        found.add_after("late", 0.02)
        found.add_after("soon", 0.001)
        found.add_after("now", 0)
        await until(lambda: work.done == ["now", "soon", "late"])


async def test_the_earliest_of_several_looks_counts() -> None:
    work = Work()
    async with at_work(work) as found:
        found.add_after("a", 3600)
        found.add_after("a", 0.001)
        found.add_after("a", 3600)
        await until(lambda: work.done == ["a"])


async def test_a_key_that_fails_does_not_keep_others_waiting() -> None:
    work = Work()
    work.errors = [api_error(429, "", retry_after=30)]
    async with at_work(work, workers=1) as found:
        found.add("stuck")
        found.add("free")
        await until(lambda: work.done == ["free"])


async def test_news_of_a_key_that_failed_are_looked_at_at_once() -> None:
    work = Work()
    work.errors = [api_error(429, "", retry_after=30)]
    async with at_work(work) as found:
        found.add("a")
        await until(lambda: not work.errors and not work.active)
        found.add("a")
        await until(lambda: work.done == ["a"])


async def test_work_that_waits_for_nothing_lets_others_run_in_between() -> None:
    """Thousands of sessions that are as they should be must not hold up the rest at the start."""
    done: list[str] = []
    begun = asyncio.Event()

    async def work(key: str) -> None:
        done.append(key)
        begun.set()

    found = WorkQueue(work, workers=1)
    for number in range(100):
        found.add(str(number))
    running = asyncio.create_task(found.run())
    await begun.wait()
    assert len(done) < 10
    await until(lambda: len(done) == 100)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
