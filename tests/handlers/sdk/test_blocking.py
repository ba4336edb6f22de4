"""The blocking face: from threads, and after forks."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import threading
import traceback
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

import pytest
from aiohttp import web

from gamesession import GameSession, GameSessionManager
from gamesession.api.errors import GameNotFound
from gamesession.client.process import PROCESS
from gamesession.client.services import SessionEnded
from tests.eventually import eventually
from tests.handlers.sdk.stage import Stage, Thing, refuse

T = TypeVar("T")

THREADS = 32


async def in_threads(work: Callable[[int], T]) -> list[T]:
    """The outcome of work that as many threads begin at the same moment."""
    start = threading.Barrier(THREADS)

    def begin(number: int) -> T:
        start.wait()
        return work(number)

    loop = asyncio.get_running_loop()
    with ThreadPoolExecutor(THREADS) as pool:
        return list(
            await asyncio.gather(
                *(loop.run_in_executor(pool, begin, number) for number in range(THREADS))
            )
        )


async def test_the_whole_way(stage: Stage) -> None:
    manager, thing = stage.blocking(session_timeout=30), Thing()

    def play() -> GameSession:
        session = manager.create_session("alice", "chess")
        session.set_service("agent", thing)
        assert manager.get_session(session.session_id) is session
        assert manager.get_session_count() == manager.get_user_session_count("alice") == 1
        assert session.endpoint("main").startswith("http://127.9.")
        assert manager.close_session(session.session_id) is True
        assert manager.close_session(session.session_id) is False
        assert manager.get_session(session.session_id) is None
        assert manager.get_session_count() == 0
        with pytest.raises(GameNotFound):
            manager.create_session("alice", "nothing")
        return session

    session = await asyncio.to_thread(play)
    await thing.until_ended()
    assert session.services == {}
    assert stage.api.count("create", "gamesessions") == 1


async def test_one_session_a_user_and_one_end_an_object_from_many_threads(stage: Stage) -> None:
    manager = stage.blocking()
    things: list[Thing] = []

    def play(number: int) -> GameSession:
        session = manager.create_session(f"user-{number % 4}", "chess")
        for _ in range(20):
            if session.get_service("agent") is None or number % 3 == 0:
                thing = Thing()
                things.append(thing)
                session.set_service("agent", thing)
            session.update_activity()
        return session

    sessions = await in_threads(play)
    assert len(set(sessions)) == 4
    assert stage.api.count("create", "gamesessions") == 4
    kept = [session.get_service("agent") for session in set(sessions)]
    for user in range(2):
        stage.end(f"user-{user}")
    await asyncio.to_thread(manager.close)
    assert len(things) >= 4
    assert [len(thing.ends) for thing in things] == [1] * len(things)
    assert set(kept) <= set(things)


async def test_sessions_that_end_while_many_threads_store(stage: Stage) -> None:
    manager = stage.blocking()
    things: list[Thing] = []
    session = await asyncio.to_thread(manager.create_session, "alice", "chess")
    stored = threading.Event()

    def play(number: int) -> None:
        for _ in range(10_000):
            thing = Thing()
            things.append(thing)
            try:
                session.set_service(f"agent-{number}", thing)
            except SessionEnded:
                return
            stored.set()
        raise AssertionError("the session did not end")

    playing = asyncio.create_task(in_threads(play))
    await asyncio.to_thread(stored.wait, 60)
    stage.end()
    await playing
    await asyncio.to_thread(manager.close)
    assert {len(thing.ends) for thing in things} == {1}


async def test_who_reads_while_another_replaces_finds_the_one_or_the_other(stage: Stage) -> None:
    manager = stage.blocking()
    session = await asyncio.to_thread(manager.create_session, "alice", "chess")
    session.set_service("agent", 0)
    done = threading.Event()

    def replace() -> None:
        for number in range(1, 20_000):
            session.set_service("agent", number)
        done.set()

    def read() -> bool:
        while not done.is_set():
            if session.get_service("agent") is None or not session.services:
                return False
        return True

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        found, _ = await asyncio.gather(asyncio.to_thread(read), asyncio.to_thread(replace))
    finally:
        sys.setswitchinterval(interval)
    assert found


async def test_objects_end_in_threads_of_their_own(stage: Stage) -> None:
    class Asynchronous(Thing):
        async def cleanup(self) -> None:  # type: ignore[override]
            await asyncio.sleep(0)
            await asyncio.get_running_loop().getaddrinfo("localhost", 80)
            super().cleanup()

    class Reentrant(Thing):
        def cleanup(self) -> None:
            self.count = manager.get_session_count()
            super().cleanup()

    manager = stage.blocking()
    things = Thing(), Asynchronous(), Reentrant()
    session = await asyncio.to_thread(manager.create_session, "alice", "chess")
    for number, thing in enumerate(things):
        session.set_service(str(number), thing)
    stage.end()
    for thing in things:
        await thing.until_ended()
    assert things[2].count == 0
    assert {thread.name for thing in things for thread in thing.ends} == {"gamesession worker"}


async def test_many_threads_share_one_fallback_session(stage: Stage) -> None:
    things: list[Thing] = []

    def fallback(user: str, game: str) -> object:
        things.append(Thing())
        return {"agent": things[-1]}

    await stage.api.go_away()
    manager = stage.blocking(fallback=fallback)
    sessions = await in_threads(lambda number: manager.create_session("alice", "chess"))
    (session,) = set(sessions)
    assert session.degraded
    kept = session.get_service("agent")
    for thing in things:
        if thing is not kept:
            await thing.until_ended()
    await asyncio.to_thread(manager.close)
    assert [len(thing.ends) for thing in things] == [1] * len(things)


async def test_managers_share_one_thread(stage: Stage) -> None:
    one, other = stage.blocking(), stage.blocking()
    await asyncio.to_thread(one.get_session_count)
    await asyncio.to_thread(other.get_session_count)
    assert [each.name for each in threading.enumerate()].count("gamesession") == 1


def test_a_manager_that_is_never_used_needs_no_cluster() -> None:
    with GameSessionManager(kubeconfig="/nowhere") as manager:
        pass
    with pytest.raises(RuntimeError, match="closed"):
        manager.get_session_count()


@pytest.mark.parametrize("away", [True, False])
async def test_closing_needs_no_api_server_and_nothing_goes_on_after_it(
    stage: Stage, caplog: pytest.LogCaptureFixture, away: bool
) -> None:
    stage.add_game("quick", session={"idleTimeout": "5s"})
    manager, thing = stage.blocking(), Thing()
    session = await asyncio.to_thread(manager.create_session, "alice", "quick")
    session.set_service("agent", thing)
    session.update_activity()
    stage.api.faults.append(refuse("PATCH", 500))
    if away:
        await stage.api.go_away()
    await asyncio.to_thread(manager.close)
    assert len(thing.ends) == 1
    session.update_activity()
    loop = PROCESS.background().loop

    def pending() -> int:
        tasks = [task for task in asyncio.all_tasks(loop) if task is not asyncio.current_task()]
        timers = [timer for timer in loop._scheduled if not timer.cancelled()]  # type: ignore[attr-defined]
        return len(tasks) + len(timers)

    async def count() -> int:
        return pending()

    assert await asyncio.to_thread(lambda: PROCESS.background().run(count())) == 0
    assert not [record for record in caplog.records if record.levelname == "ERROR"]


# Forks ------------------------------------------------------------------------------------------


async def forked(work: Callable[[], None], log: Path) -> None:
    """Do something in a fork, and wait for its end.

    Raises:
        AssertionError: it failed there.
    """

    def fork() -> int:
        child = os.fork()
        if child:
            return child
        try:
            signal.alarm(60)
            work()
            os._exit(0)
        except BaseException:
            log.write_text(traceback.format_exc())
        finally:
            os._exit(1)

    child = await asyncio.to_thread(fork)
    _, status = await asyncio.to_thread(os.waitpid, child, 0)
    failure = await asyncio.to_thread(lambda: log.read_text() if log.exists() else "")
    assert status == 0, failure


async def test_a_fork_begins_anew_and_leaves_the_parent_s_alone(
    stage: Stage, tmp_path: Path
) -> None:
    manager, ours = stage.blocking(), Thing()
    session = await asyncio.to_thread(manager.create_session, "alice", "chess")
    session.set_service("agent", ours)
    before = len(stage.api.writes)

    def child() -> None:
        theirs, late = Thing(), Thing()
        assert session.get_service("agent") is None
        session.update_activity()
        with pytest.raises(SessionEnded):
            session.set_service("agent", late)
        again = manager.create_session("alice", "chess")
        assert again is not session
        assert again.session_id == session.session_id
        assert again.services == {}
        again.set_service("agent", theirs)
        assert manager.create_session("bob", "chess").endpoint("main")
        manager.close()
        assert (len(theirs.ends), len(ours.ends)) == (1, 0)

    await forked(child, tmp_path / "child")
    assert [write.verb for write in stage.api.writes[before:]].count("create") == 1
    assert ours.ends == []
    assert session.get_service("agent") is ours

    # The parent's watches stand as before.
    stage.end("alice")
    await ours.until_ended()
    assert await asyncio.to_thread(manager.get_session_count) == 1


async def test_forks_from_many_threads_while_sessions_are_made(
    stage: Stage, tmp_path: Path
) -> None:
    manager = stage.blocking()
    await asyncio.to_thread(manager.create_session, "nobody", "chess")

    async def fork(number: int) -> None:
        user = f"child-{number}"

        def child() -> None:
            assert manager.create_session(user, "chess").user_id == user
            manager.close()

        await forked(child, tmp_path / user)

    making = [
        asyncio.to_thread(manager.create_session, f"user-{number}", "chess") for number in range(20)
    ]
    await asyncio.gather(*making, *(fork(number) for number in range(6)))

    async def all_known() -> bool:
        return await asyncio.to_thread(manager.get_session_count) == 27

    await eventually(all_known)


async def test_a_child_that_was_forked_lets_go_of_the_parent_s_connections(
    stage: Stage, tmp_path: Path
) -> None:
    watches: list[web.Request] = []

    async def note(request: web.Request) -> None:
        if "watch" in request.query:
            watches.append(request)

    stage.api.faults.append(note)
    manager = stage.blocking()
    await asyncio.to_thread(manager.create_session, "alice", "chess")
    read, write = os.pipe()

    def child() -> None:
        os.close(write)
        os.read(read, 1)

    waiting = asyncio.create_task(forked(child, tmp_path / "child"))
    try:

        async def watched() -> bool:
            return len(watches) == 3

        await eventually(watched)
        assert all(request.transport is not None for request in watches)
        await asyncio.to_thread(manager.close)

        async def unwatched() -> bool:
            return all(request.transport is None for request in watches)

        await eventually(unwatched)
        assert not waiting.done()
    finally:
        os.close(write)
        await waiting
