"""`open` and `wait`."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import pytest
from aiohttp import web

from gamesession.api.errors import Capacity, GameSuspended, StartFailed, Unavailable
from gamesession.api.instant import format_instant, parse_instant
from gamesession.api.names import session_name
from gamesession.commands.failure import TIMED_OUT, USAGE, Failure
from gamesession.commands.opening import open_session
from gamesession.commands.options import Goal, Output
from gamesession.commands.waiting import wait_for
from tests.eventually import eventually
from tests.handlers.commands.desk import Desk, condition, ready

Capture = pytest.CaptureFixture[str]
LONG = timedelta(minutes=1)
SHORT = timedelta(milliseconds=200)
ALICES = session_name("chess", "alice")


async def opened(desk: Desk, user: str = "alice", timeout: timedelta | None = None) -> None:
    """`gamesession open chess USER`, with `--wait` if there is a timeout."""
    await open_session(desk.place, "chess", user, Output.TABLE, timeout)


async def waited(desk: Desk, goal: Goal = Goal.READY, timeout: timedelta = LONG) -> None:
    """`gamesession wait chess alice`."""
    await wait_for(desk.place, "chess", "alice", goal, timeout)


@asynccontextmanager
async def meanwhile(work: asyncio.Task[None]) -> AsyncIterator[None]:
    """What happens while a command waits; then it is waited for."""
    try:
        yield
        await work
    finally:
        work.cancel()


async def test_a_session_is_made_once(desk: Desk, capsys: Capture) -> None:
    await opened(desk)
    found = capsys.readouterr()
    assert found.err.splitlines()[0] == f"{ALICES} created"
    assert "Wait for it: gamesession wait chess alice" in found.err
    assert "Pending" in found.out
    await opened(desk)
    assert capsys.readouterr().err.splitlines()[0] == f"{ALICES} is there already"
    assert desk.api.count("create", "gamesessions") == 1


async def test_one_made_by_hand_is_found(desk: Desk, capsys: Capture) -> None:
    desk.add_session(name="by-hand", **ready())
    await opened(desk)
    assert "by-hand is there already" in capsys.readouterr().err
    assert desk.api.count("create", "gamesessions") == 0


async def test_who_opens_a_session_uses_it(desk: Desk, capsys: Capture) -> None:
    desk.add_session(**ready(ago=600))
    before = datetime.now(UTC)
    await opened(desk)
    session = desk.session(ALICES)
    assert session is not None
    assert parse_instant(session["status"]["lastActivity"]) >= before
    assert capsys.readouterr().out.splitlines()[1].split()[5] == "0s", "what is shown is new"


async def test_one_that_failed_is_replaced(desk: Desk, capsys: Capture) -> None:
    desk.add_session(
        phase="Failed", failedAt="2026-01-01T00:00:00Z", conditions=condition("Bad", "Broken.")
    )
    await opened(desk)
    assert f"{ALICES} created" in capsys.readouterr().err
    assert ("Failed", "Replaced by a new one: Broken.") in desk.events()


async def test_one_that_failed_a_moment_ago_is_told_of(desk: Desk) -> None:
    desk.add_session()
    now = format_instant(datetime.now(UTC))
    desk.set_status(ALICES, phase="Failed", failedAt=now, conditions=condition("Bad", "Broken."))
    with pytest.raises(StartFailed, match="Broken"):
        await opened(desk)


async def test_a_suspended_game_takes_nobody_new(desk: Desk) -> None:
    desk.add_game(suspend=True)
    with pytest.raises(GameSuspended):
        await opened(desk)


async def test_no_more_wait_than_may(desk: Desk) -> None:
    desk.add_game(limits={"maxPending": 1})
    desk.add_session("bob", phase="Pending")
    with pytest.raises(Capacity, match="Too many sessions of chess wait"):
        await opened(desk)
    assert desk.api.count("create", "gamesessions") == 0


async def test_a_refused_creation_is_told_in_the_api_servers_words(desk: Desk) -> None:
    async def forbid(request: web.Request) -> web.Response | None:
        if request.method != "POST":
            return None
        return web.json_response({"kind": "Status", "message": "quota is used up"}, status=403)

    desk.api.faults.append(forbid)
    with pytest.raises(Unavailable) as error:
        await opened(desk)
    assert "quota is used up" in str(error.value.__cause__)


@pytest.mark.parametrize("user", ["", "a\nb", "x" * 254])
async def test_nobody_can_be_called_so(desk: Desk, user: str) -> None:
    with pytest.raises(Failure, match="USER must have 1 to 253 characters") as failure:
        await opened(desk, user)
    assert failure.value.code == USAGE


async def test_each_change_on_the_way_is_told(desk: Desk, capsys: Capture) -> None:
    async with meanwhile(asyncio.create_task(opened(desk, timeout=LONG))):
        await desk.watched()
        desk.set_status(ALICES, phase="Starting", conditions=condition("PodStarting", "Soon."))
        desk.set_status(ALICES, **ready())
    told = [line.split(maxsplit=1)[1] for line in capsys.readouterr().err.splitlines()[1:]]
    assert told[-1].startswith("Ready")
    assert told[0] == "Pending"


async def test_one_that_fails_ends_the_waiting(desk: Desk) -> None:
    with pytest.raises(Failure, match=f"{ALICES} has failed: ImagePull: No such image") as failure:
        async with meanwhile(asyncio.create_task(opened(desk, timeout=LONG))):
            await desk.watched()
            desk.set_status(
                ALICES, phase="Failed", conditions=condition("ImagePull", "No such image.")
            )
    assert failure.value.code == 1


async def test_one_that_ends_ends_the_waiting(desk: Desk) -> None:
    desk.add_session()
    with pytest.raises(Failure, match=f"{ALICES} has ended"):
        async with meanwhile(asyncio.create_task(waited(desk))):
            await desk.watched()
            desk.api.remove("gamesessions", ALICES)


async def test_time_that_runs_out_has_a_code_of_its_own(desk: Desk) -> None:
    desk.add_session(phase="Pending", conditions=condition("AwaitingCapacity", "Full."))
    with pytest.raises(Failure) as failure:
        await waited(desk, timeout=SHORT)
    assert failure.value.code == TIMED_OUT
    assert f"{ALICES} is Pending after 200ms: AwaitingCapacity: Full." in str(failure.value)
    assert f"gamesession status {ALICES}" in str(failure.value)


async def test_who_waits_keeps_a_pending_session_from_being_abandoned(desk: Desk) -> None:
    desk.add_session(age=30, phase="Pending", conditions=condition("AwaitingCapacity", "Full."))

    async def written() -> bool:
        return desk.api.count("patch", "gamesessions/status") > 0

    async with meanwhile(asyncio.create_task(waited(desk))):
        await eventually(written)
        desk.set_status(ALICES, **ready())


async def test_there_must_be_something_to_wait_for(desk: Desk) -> None:
    with pytest.raises(Failure, match="alice has no session of chess"):
        await waited(desk)


async def test_waiting_for_the_end(desk: Desk, capsys: Capture) -> None:
    desk.add_session(**ready())
    async with meanwhile(asyncio.create_task(waited(desk, Goal.GONE))):
        await desk.watched()
        desk.api.remove("gamesessions", ALICES)
    assert capsys.readouterr().out == f"{ALICES} is gone\n"


async def test_the_next_life_is_another_one(desk: Desk, capsys: Capture) -> None:
    desk.add_session(**ready())
    async with meanwhile(asyncio.create_task(waited(desk, Goal.GONE))):
        await desk.watched()
        desk.api.remove("gamesessions", ALICES)
        desk.add_session(**ready())
    assert capsys.readouterr().out == f"{ALICES} is gone\n"


async def test_what_is_not_there_is_gone(desk: Desk, capsys: Capture) -> None:
    await waited(desk, Goal.GONE)
    assert capsys.readouterr().out == "gone already\n"


async def test_the_end_that_does_not_come_in_time(desk: Desk) -> None:
    desk.add_session(**ready())
    with pytest.raises(Failure) as failure:
        await waited(desk, Goal.GONE, SHORT)
    assert f"still there after 200ms. End it: gamesession close {ALICES}" in str(failure.value)
    assert failure.value.code == TIMED_OUT
    assert desk.api.count("patch", "gamesessions/status") == 0, "waiting for the end is no use"
