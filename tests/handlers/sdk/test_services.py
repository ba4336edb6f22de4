"""Objects stored with a session: each ended once, when its session ends, wherever that was."""

from __future__ import annotations

import asyncio
import logging
import threading

import pytest

from gamesession.api.names import session_name
from gamesession.client import core
from gamesession.client.services import SessionEnded
from tests.eventually import eventually
from tests.handlers.sdk.stage import Stage, Thing, refuse


async def test_what_is_stored_is_there_until_the_session_ends(stage: Stage) -> None:
    manager, thing = stage.asynchronous(), Thing()
    session = await manager.create_session("alice", "chess")
    assert session.get_service("agent") is None
    session.set_service("agent", thing)
    assert session.get_service("agent") is thing
    assert session.services == {"agent": thing}
    with pytest.raises(TypeError):
        session.services["agent"] = 1  # type: ignore[index]
    stage.end()
    await thing.until_ended()
    assert session.get_service("agent") is None
    assert session.services == {}
    await manager.close()
    assert len(thing.ends) == 1


async def test_only_that_life_s_objects_end(stage: Stage) -> None:
    manager, alices, bobs, next_ = stage.asynchronous(), Thing(), Thing(), Thing()
    (await manager.create_session("bob", "chess")).set_service("agent", bobs)
    (await manager.create_session("alice", "chess")).set_service("agent", alices)
    stage.end()
    await alices.until_ended()
    session = await manager.create_session("alice", "chess")
    assert session.get_service("agent") is None
    session.set_service("agent", next_)
    await manager.close()
    assert [len(each.ends) for each in (alices, bobs, next_)] == [1, 1, 1]


async def test_lives_of_one_second_are_told_apart(stage: Stage) -> None:
    manager, thing = stage.asynchronous(), Thing()
    first = await manager.create_session("alice", "chess")
    first.set_service("agent", thing)
    created_at = stage.session()["metadata"]["creationTimestamp"]
    stage.end()
    metadata = {"name": session_name("chess", "alice"), "creationTimestamp": created_at}
    spec = {"user": "alice", "game": "chess"}
    stage.api.put("gamesessions", {"metadata": metadata, "spec": spec})
    await thing.until_ended()
    second = await manager.create_session("alice", "chess")
    assert second.session_id == first.session_id
    assert second is not first
    assert second.get_service("agent") is None


async def test_a_session_that_waits_for_finalizers_has_ended(stage: Stage) -> None:
    manager, thing = stage.asynchronous(), Thing()
    session = await manager.create_session("alice", "chess")
    stage.api.change(
        "gamesessions",
        session_name("chess", "alice"),
        lambda found: found["metadata"].update(finalizers=["someone/s"]),
    )
    session.set_service("agent", thing)
    assert await manager.close_session(session.session_id)
    await thing.until_ended()


async def test_stop_is_called_where_there_is_no_cleanup(stage: Stage) -> None:
    class Stoppable:
        stopped = 0

        def stop(self) -> None:
            self.stopped += 1

    class Both(Stoppable, Thing):
        pass

    manager, stoppable, both = stage.asynchronous(), Stoppable(), Both()
    session = await manager.create_session("alice", "chess")
    session.set_service("stoppable", stoppable)
    session.set_service("both", both)
    session.set_service("neither", object())
    await manager.close()
    assert (stoppable.stopped, both.stopped, len(both.ends)) == (1, 0, 1)


async def test_what_is_replaced_or_taken_away_is_ended(stage: Stage) -> None:
    manager, first, second = stage.asynchronous(), Thing(), Thing()
    session = await manager.create_session("alice", "chess")
    session.set_service("agent", first)
    session.set_service("agent", first)
    session.set_service("agent", second)
    await first.until_ended()
    assert second.ends == []
    session.set_service("agent", None)
    await second.until_ended()
    assert session.services == {}
    await manager.close()
    assert (len(first.ends), len(second.ends)) == (1, 1)


async def test_an_object_in_several_places_ends_with_the_last(stage: Stage) -> None:
    manager, shared, other = stage.asynchronous(), Thing(), Thing()
    alices = await manager.create_session("alice", "chess")
    bobs = await manager.create_session("bob", "chess")
    for name in ("one", "two"):
        alices.set_service(name, shared)
    alices.set_service("other", other)
    bobs.set_service("one", shared)
    alices.set_service("one", None)
    stage.end("alice")
    await other.until_ended()
    assert shared.ends == []
    stage.end("bob")
    await shared.until_ended()
    await manager.close()
    assert len(shared.ends) == 1


async def test_what_comes_too_late_is_ended_and_refused(stage: Stage) -> None:
    manager, thing, late = stage.asynchronous(), Thing(), Thing()
    session = await manager.create_session("alice", "chess")
    session.set_service("agent", thing)
    stage.end()
    await thing.until_ended()
    with pytest.raises(SessionEnded, match="create_session"):
        session.set_service("agent", late)
    await late.until_ended()
    assert session.get_service("agent") is None
    assert len(thing.ends) == 1


async def test_what_comes_after_the_manager_closed_is_refused(stage: Stage) -> None:
    manager, late = stage.asynchronous(), Thing()
    session = await manager.create_session("alice", "chess")
    await manager.close()
    with pytest.raises(SessionEnded):
        session.set_service("agent", late)
    await late.until_ended()


async def test_coroutines_end_on_the_loop_and_functions_in_threads(stage: Stage) -> None:
    class Asynchronous(Thing):
        async def cleanup(self) -> None:  # type: ignore[override]
            await asyncio.sleep(0)
            self.loop = asyncio.get_running_loop()
            super().cleanup()

    class Promising(Asynchronous):
        def cleanup(self) -> object:  # type: ignore[override]
            return super().cleanup()

    manager, plain = stage.asynchronous(), Thing()
    session = await manager.create_session("alice", "chess")
    things = Asynchronous(), Promising()
    for number, thing in enumerate((*things, plain)):
        session.set_service(str(number), thing)
    await manager.close()
    assert [len(each.ends) for each in (*things, plain)] == [1, 1, 1]
    assert {each.loop for each in things} == {asyncio.get_running_loop()}
    assert plain.ends != [threading.current_thread()]


async def test_one_that_raises_or_hangs_stops_no_other(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(core, "CLEANUP_SECONDS", 0.3)
    go_on = threading.Event()

    class Raising:
        def cleanup(self) -> None:
            raise RuntimeError("no good")

    class Nasty:
        @property
        def cleanup(self) -> None:
            raise KeyError("not to be had")

    class Hanging:
        def cleanup(self) -> None:
            go_on.wait()

    class HangingOnTheLoop:
        async def cleanup(self) -> None:
            await asyncio.Event().wait()

    manager, thing = stage.asynchronous(), Thing()
    session = await manager.create_session("alice", "chess")
    bad = [Raising(), Nasty(), Hanging(), HangingOnTheLoop()]
    for number, each in enumerate([*bad, thing]):
        session.set_service(str(number), each)
    with caplog.at_level(logging.ERROR, "gamesession"):
        await manager.close()
    go_on.set()
    assert len(thing.ends) == 1
    told = [record.getMessage() for record in caplog.records]
    assert any("cleanup failed" in line and session.session_id in line for line in told)
    assert any("not waited for" in line and "objects=2" in line for line in told)
    assert "no good" in caplog.text


async def test_the_end_is_seen_while_the_watch_is_down(stage: Stage) -> None:
    manager, alices, bobs = stage.asynchronous(cleanup_interval=0.1), Thing(), Thing()
    for user, thing in (("alice", alices), ("bob", bobs)):
        session = await manager.create_session(user, "chess")
        session.set_service("agent", thing)

    async def no_watch(request: object) -> object:
        if "watch" not in request.query:  # type: ignore[attr-defined]
            return None
        return await refuse("GET", 503, "")(request)  # type: ignore[arg-type]

    stage.api.faults.append(no_watch)  # type: ignore[arg-type]
    stage.api.end_watches()
    stage.end("alice")
    await alices.until_ended()
    assert bobs.ends == []


async def test_a_deaf_watch_is_noticed_by_comparison_alone(stage: Stage) -> None:
    manager, thing = stage.asynchronous(cleanup_interval=0.1), Thing()
    session = await manager.create_session("alice", "chess")
    session.set_service("agent", thing)
    stage.api.objects["gamesessions"].clear()  # and nobody is told
    await thing.until_ended()
    assert await manager.get_session(session.session_id) is None


async def test_an_api_server_that_is_away_ends_nothing(stage: Stage) -> None:
    manager, thing = stage.asynchronous(cleanup_interval=0.05), Thing()
    session = await manager.create_session("alice", "chess")
    session.set_service("agent", thing)
    asked = 0

    async def away(request: object) -> object:
        nonlocal asked
        asked += 1
        return await refuse("GET", 500, "")(request)  # type: ignore[arg-type]

    stage.api.faults.append(away)  # type: ignore[arg-type]
    stage.api.end_watches()

    async def asked_often() -> bool:
        return asked > 10

    await eventually(asked_often)
    assert thing.ends == []
    assert session.get_service("agent") is thing
