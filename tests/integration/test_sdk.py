"""The SDK on a real API server, beside a real operator; the pods are kwok's."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from gamesession import AsyncGameSessionManager, GameSession, GameSessionManager
from gamesession.api.names import session_name
from gamesession.client.services import SessionEnded
from tests.cluster.controlplane import ControlPlane
from tests.eventually import eventually
from tests.handlers.sdk.stage import Thing
from tests.integration.playground import Playground

pytestmark = pytest.mark.integration

THREADS = 32
USERS = 4


@pytest.fixture
def manager(control_plane: ControlPlane, shared: Playground) -> Iterator[GameSessionManager]:
    """A back end's, without an event loop."""
    with GameSessionManager(**way(control_plane.kubeconfig, shared)) as found:
        yield found


def way(kubeconfig: Path, playground: Playground) -> dict[str, Any]:
    """The arguments that lead to the test's namespace."""
    return {"namespace": playground.namespace, "kubeconfig": kubeconfig, "hold": 60}


async def test_many_threads_share_the_sessions_of_few_users_until_they_idle_out(
    shared: Playground, manager: GameSessionManager
) -> None:
    await shared.create_game("threads", session={"idleTimeout": "5s"})
    start = threading.Barrier(THREADS)
    things: list[Thing] = []

    def play(number: int) -> GameSession:
        start.wait()
        session = manager.create_session(f"user-{number % USERS}", "threads")
        if session.get_service("agent") is None:
            things.append(Thing())
            session.set_service("agent", things[-1])
        return session

    loop = asyncio.get_running_loop()
    with ThreadPoolExecutor(THREADS) as pool:
        playing = [loop.run_in_executor(pool, play, number) for number in range(THREADS)]
        sessions = set(await asyncio.gather(*playing))
    assert len(sessions) == USERS
    names = {session_name("threads", session.user_id) for session in sessions}
    created = [
        change
        for change in shared.history["gamesessions"]
        if change.kind == "ADDED" and change.object["metadata"]["name"] in names
    ]
    assert len(created) == USERS
    for session in sessions:
        status = shared.status(session_name("threads", session.user_id))
        assert session.endpoint("game") == f"http://{status['podIP']}:8080"
        assert session.endpoint("live") == f"http://{status['podIP']}:9090"
        assert manager.get_user_session_count(session.user_id) == 1

    used = next(iter(sessions))
    kept = used.get_service("agent")

    def all_others_ended() -> bool:
        used.update_activity()
        return all(thing.ends for thing in things if thing is not kept)

    async def others_ended() -> bool:
        return all_others_ended()

    await eventually(others_ended)
    assert manager.get_session(used.session_id) is used
    for session in sessions - {used}:
        assert manager.get_session(session.session_id) is None
    with pytest.raises(SessionEnded):
        next(iter(sessions - {used})).set_service("agent", Thing())
    await asyncio.to_thread(manager.close)
    assert [len(thing.ends) for thing in things] == [1] * len(things)
    for session in sessions - {used}:
        (event,) = await shared.events_of(session_name("threads", session.user_id), "IdleTimeout")
        assert event["reportingController"] == "gamelibrary.io/operator"


async def test_two_back_ends_see_each_other_s_sessions(
    control_plane: ControlPlane, shared: Playground
) -> None:
    await shared.create_game("shared")
    name = session_name("shared", "alice")
    arguments = way(control_plane.kubeconfig, shared)
    async with (
        AsyncGameSessionManager(session_timeout=45, **arguments) as one,
        AsyncGameSessionManager(**arguments) as other,
    ):
        session, same = await asyncio.gather(
            one.create_session("alice", "shared"), other.create_session("alice", "shared")
        )
        assert session.session_id == same.session_id
        thing = Thing()
        session.set_service("agent", thing)
        assert await other.close_session(session.session_id) is True
        await thing.until_ended()
        assert await one.close_session(session.session_id) is False
        assert await one.get_session(session.session_id) is None
        (event,) = await shared.events_of(name, "Closed")
        assert event["reportingController"] == "gamelibrary.io/sdk"

        await one.create_session("alice", "shared")
        found = await shared.until(lambda: shared.sessions.get(name))
        assert found["spec"]["idleTimeout"] == "45m"
    assert shared.status(name)["phase"] == "Ready"


async def test_what_the_game_does_not_allow_falls_back_or_fails(
    control_plane: ControlPlane, shared: Playground
) -> None:
    await shared.create_game("broken", template={"spec": {"containers": []}})
    arguments = way(control_plane.kubeconfig, shared) | {"hold": 1}
    async with AsyncGameSessionManager(
        fallback=lambda user, game: {"game": "http://shared:8080"}, **arguments
    ) as manager:
        session = await manager.create_session("alice", "broken")
        assert session.degraded
        assert session.endpoint("game") == "http://shared:8080"
