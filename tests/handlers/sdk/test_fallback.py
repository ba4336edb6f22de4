"""What the fallback gives when no session can be had, and for how long."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

import pytest

from gamesession import AsyncGameSessionManager, GameSession
from gamesession.api.errors import GameNotFound, NotFound, Unavailable
from gamesession.client import core
from tests.eventually import eventually
from tests.handlers.sdk.stage import Stage, Thing, refuse


async def away(stage: Stage) -> None:
    await stage.api.go_away()


async def too_slow(stage: Stage) -> None:
    stage.starts = False


async def failing(stage: Stage) -> None:
    stage.starts = False

    def fails(plural: str, found: object) -> None:
        if plural == "gamesessions" and found and "status" not in found:  # type: ignore[operator]
            stage.fail()

    stage.api.on_change = fails


async def full(stage: Stage) -> None:
    stage.add_game("chess", limits={"maxPending": 0})


async def refused(stage: Stage) -> None:
    stage.api.faults.append(refuse("POST", 403))


@pytest.mark.parametrize("trouble", [away, too_slow, failing, full, refused])
async def test_it_takes_the_place_of_a_session_that_cannot_be_had(
    stage: Stage, trouble: Callable[[Stage], Awaitable[None]]
) -> None:
    calls, thing = [], Thing()

    def fallback(user: str, game: str) -> object:
        calls.append((user, game))
        return {"main": "http://shared:8000", "agent": thing}

    await trouble(stage)
    manager = stage.asynchronous(fallback=fallback, hold=0.5)
    before = datetime.now(UTC).replace(microsecond=0)
    session = await manager.create_session("alice", "chess")
    assert session.degraded is True
    assert (session.user_id, session.game_id) == ("alice", "chess")
    assert before <= session.created_at <= datetime.now(UTC)
    assert session.session_id == f"alice_chess_{int(session.created_at.timestamp())}"
    assert session.endpoint("main") == "http://shared:8000"
    assert session.identity_headers() == {"X-Game-User": session.user_id, "X-Game-Id": "chess"}
    with pytest.raises(NotFound, match="degraded"):
        session.endpoint("agent")
    assert session.services == {"agent": thing}
    assert await manager.create_session("alice", "chess") is session
    assert await manager.get_session(session.session_id) is session
    assert calls == [("alice", "chess")]
    await manager.close()
    assert len(thing.ends) == 1


async def test_coroutines_may_give_it_and_it_may_have_nothing(stage: Stage) -> None:
    async def fallback(user: str, game: str) -> None:
        return None

    await stage.api.go_away()
    manager, thing = stage.asynchronous(fallback=fallback), Thing()
    session = await manager.create_session("alice", "chess")
    assert session.degraded
    used = session.last_activity
    assert used is not None
    session.update_activity()
    assert session.last_activity is not None
    assert session.last_activity >= used
    session.set_service("agent", thing)
    assert session.get_service("agent") is thing
    assert await manager.close_session(session.session_id) is True
    await thing.until_ended()
    assert (await manager.create_session("alice", "chess")) is not session


async def test_a_session_of_its_own_making_is_handed_on(stage: Stage) -> None:
    own = object()
    await stage.api.go_away()
    manager = stage.asynchronous(fallback=lambda user, game: own)
    assert await manager.create_session("alice", "chess") is own


async def test_a_real_session_takes_its_place(stage: Stage) -> None:
    thing = Thing()
    await stage.api.go_away()
    manager = stage.asynchronous(fallback=lambda user, game: {"agent": thing})
    degraded = await manager.create_session("alice", "chess")
    await stage.api.come()

    async def real() -> GameSession | None:
        session = await manager.create_session("alice", "chess")
        return None if session.degraded else session

    session = await eventually(real)
    assert session.get_service("agent") is None
    await thing.until_ended()
    assert degraded.get_service("agent") is None


async def test_it_ends_when_nobody_uses_it(stage: Stage) -> None:
    thing = Thing()
    await stage.api.go_away()
    manager = stage.asynchronous(
        fallback=lambda user, game: {"agent": thing}, session_timeout=1 / 12, cleanup_interval=0.05
    )
    session = await manager.create_session("alice", "chess")
    await thing.until_ended()
    assert session.last_activity is not None
    assert (datetime.now(UTC) - session.last_activity).total_seconds() >= 5


async def test_what_the_caller_must_mend_is_told(stage: Stage) -> None:
    manager = stage.asynchronous(fallback=lambda user, game: None)
    with pytest.raises(GameNotFound):
        await manager.create_session("alice", "nothing")


async def test_what_the_fallback_raises_is_raised(stage: Stage) -> None:
    def fallback(user: str, game: str) -> object:
        raise LookupError("nothing either")

    await stage.api.go_away()
    with pytest.raises(LookupError, match="nothing either"):
        await stage.asynchronous(fallback=fallback).create_session("alice", "chess")


async def test_it_is_soon_there_where_an_api_server_never_answers(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(core, "CALL_SECONDS", 0.3)

    async def silence(request: object) -> None:
        await asyncio.Event().wait()

    stage.api.faults.append(silence)
    manager = stage.asynchronous(fallback=lambda user, game: None)
    assert (await manager.create_session("alice", "chess")).degraded
    monkeypatch.setattr(core, "CALL_SECONDS", 3600)
    assert (await manager.create_session("bob", "chess")).degraded
    stage.api.faults.clear()
    monkeypatch.setattr(core, "CALL_SECONDS", 60)
    assert not (await manager.create_session("alice", "chess")).degraded


async def test_without_one_the_error_is_raised(stage: Stage) -> None:
    await stage.api.go_away()
    manager: AsyncGameSessionManager = stage.asynchronous()
    with pytest.raises(Unavailable):
        await manager.create_session("alice", "chess")
