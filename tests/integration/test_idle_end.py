"""When sessions end by themselves. What has to be waited for is waited for at once."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from gamesession.api.instant import parse_instant
from tests.integration.condition import seconds_between
from tests.integration.operator_process import OperatorProcess
from tests.integration.playground import Playground

pytestmark = pytest.mark.integration

MICROSECOND = timedelta(microseconds=1)


async def test_sessions_end_when_nobody_uses_them_any_more(shared: Playground) -> None:
    """Each within a second and a half of its timeout, and never before; the used ones live."""
    await asyncio.gather(
        shared.create_game("idle", session={"idleTimeout": "10s"}),
        shared.create_game("short", session={"idleTimeout": "10s", "maxLifetime": "6s"}),
    )
    await asyncio.gather(
        unused(shared),
        unused_with_a_timeout_of_its_own(shared),
        used_once(shared),
        used_all_the_time(shared),
        used_by_one_whose_clock_is_behind(shared),
        used_by_one_whose_clock_is_ahead(shared),
        used_for_longer_than_it_may_live(shared),
        whose_game_gets_a_shorter_timeout(shared),
        whose_game_gets_a_longer_timeout(shared),
        nobody_waits_for(shared),
        somebody_waits_for(shared),
    )


async def unused(playground: Playground) -> None:
    """Nobody ever comes: ten seconds after it was Ready it is gone, and its pod after it."""
    name = await playground.create_session("nobody", "idle")
    ready_at = (await playground.until_phase(name, "Ready"))["readyAt"]
    gone = await playground.until_gone(name)
    assert 10.0 <= seconds_between(ready_at, gone) <= 11.5
    await playground.until_podless(name)
    await told_once(playground, name, "IdleTimeout", before=gone)


async def unused_with_a_timeout_of_its_own(playground: Playground) -> None:
    """The session's own timeout wins over its Game's."""
    name = await playground.create_session("hasty", "idle", idleTimeout="5s")
    ready_at = (await playground.until_phase(name, "Ready"))["readyAt"]
    assert 5.0 <= seconds_between(ready_at, await playground.until_gone(name)) <= 6.5


async def used_once(playground: Playground) -> None:
    """The timeout counts from the last use."""
    name = await playground.create_session("once", "idle")
    await playground.until_phase(name, "Ready")
    await asyncio.sleep(4)
    used = await playground.stamp(name)
    assert 10.0 <= seconds_between(used, await playground.until_gone(name)) <= 12.5


async def used_all_the_time(playground: Playground) -> None:
    """One that is being used never ends, though it is older than its timeout."""
    name = await playground.create_session("busy", "idle")
    await playground.until_phase(name, "Ready")
    for _ in range(15):
        await playground.stamp(name)
        await asyncio.sleep(1)
    assert name in playground.sessions


async def used_by_one_whose_clock_is_behind(playground: Playground) -> None:
    """A stamp that is old when it is written counts from when it was seen."""
    name = await playground.create_session("behind", "idle")
    stamp = parse_instant((await playground.until_phase(name, "Ready"))["lastActivity"])
    await asyncio.sleep(4)
    used = datetime.now(UTC)
    await playground.stamp(name, stamp + MICROSECOND)
    assert 10.0 <= seconds_between(used, await playground.until_gone(name)) <= 12.5


async def used_by_one_whose_clock_is_ahead(playground: Playground) -> None:
    """A stamp in the future counts as now, and does not keep a session for an hour."""
    name = await playground.create_session("ahead", "idle")
    await playground.until_phase(name, "Ready")
    used = datetime.now(UTC)
    await playground.stamp(name, used + timedelta(hours=1))
    assert 10.0 <= seconds_between(used, await playground.until_gone(name)) <= 12.5


async def used_for_longer_than_it_may_live(playground: Playground) -> None:
    """No activity keeps a session beyond its Game's maxLifetime."""
    name = await playground.create_session("eternal", "short")
    started_at = (await playground.until_phase(name, "Ready"))["startedAt"]
    await playground.stamp(name)
    gone = await playground.until_gone(name)
    assert 6.0 <= seconds_between(started_at, gone) <= 8.5  # startedAt has whole seconds
    await told_once(playground, name, "MaxLifetime", before=gone)


async def whose_game_gets_a_shorter_timeout(playground: Playground) -> None:
    """It counts at once, also for sessions that run."""
    await playground.create_game("shortened")
    name = await playground.create_session("alice", "shortened")
    ready_at = (await playground.until_phase(name, "Ready"))["readyAt"]
    await asyncio.sleep(3)
    await playground.change_game("shortened", session={"idleTimeout": "5s"})
    assert 5.0 <= seconds_between(ready_at, await playground.until_gone(name)) <= 6.5


async def whose_game_gets_a_longer_timeout(playground: Playground) -> None:
    """It counts from the last use, not from the change."""
    await playground.create_game("extended", session={"idleTimeout": "5s"})
    name = await playground.create_session("alice", "extended")
    ready_at = (await playground.until_phase(name, "Ready"))["readyAt"]
    await asyncio.sleep(3)
    await playground.change_game("extended", session={"idleTimeout": "9s"})
    assert 9.0 <= seconds_between(ready_at, await playground.until_gone(name)) <= 10.5


async def nobody_waits_for(playground: Playground) -> None:
    """One that has no pod, and not the name that gateway and SDK give, has its idle timeout."""
    await playground.create_game("full", limits={"maxSessions": 0}, session={"idleTimeout": "5s"})
    await playground.apply_session("given-up", "alice", "full")
    await playground.until_told("given-up")
    created = playground.sessions["given-up"]["metadata"]["creationTimestamp"]
    gone = await playground.until_gone("given-up")
    assert 5.0 <= seconds_between(created, gone) <= 7.5  # creation times have whole seconds
    await told_once(playground, "given-up", "Abandoned", before=gone)


async def somebody_waits_for(playground: Playground) -> None:
    """Who holds a session that has no pod writes its activity, and that keeps it."""
    await playground.create_game("busy", limits={"maxSessions": 0}, session={"idleTimeout": "5s"})
    await playground.apply_session("hoped-for", "alice", "busy")
    for _ in range(8):
        await asyncio.sleep(1)
        stamp = await playground.stamp("hoped-for")
    assert 5.0 <= seconds_between(stamp, await playground.until_gone("hoped-for")) <= 7.5


async def told_once(playground: Playground, name: str, reason: str, *, before: datetime) -> None:
    """One Event says why it ended, and was there when it did."""
    ends = [event for event in await playground.events_of(name) if event["action"] == "End"]
    assert [event["reason"] for event in ends] == [reason]
    assert parse_instant(ends[0]["eventTime"]) < before


async def test_a_restart_ends_nothing_early_and_nothing_much_later(
    playground: Playground, operator: OperatorProcess
) -> None:
    """The operator is killed and started again: sessions end by what stands in the objects, or
    at the end of the grace in which gateways write what they kept."""
    await operator.ready()
    await playground.create_game("idle", session={"idleTimeout": "6s"})
    names = await asyncio.gather(
        *(playground.create_session(user, "idle") for user in ("unused", "used", "ahead"))
    )
    _, used, ahead = names
    ready = [await playground.until_phase(name, "Ready") for name in names]
    operator.kill()
    operator.start()
    stamp = await playground.stamp(used)
    await playground.stamp(ahead, stamp + timedelta(hours=1))
    await operator.ready()
    restarted = datetime.now(UTC)
    gone = [await playground.until_gone(name) for name in names]
    deadline = parse_instant(ready[0]["readyAt"]) + timedelta(seconds=6)
    for went, due in zip(gone, (deadline, stamp + timedelta(seconds=6), restarted), strict=True):
        assert due <= went
        assert seconds_between(max(due, restarted), went) <= 6 + 1.5
