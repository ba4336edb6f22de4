"""Making, finding, using and ending sessions, by the asynchronous face."""

from __future__ import annotations

import asyncio
from datetime import datetime

import pytest

from gamesession import AsyncGameSessionManager, GameSession
from gamesession.api.errors import (
    BadRequest,
    GameNotFound,
    GameSuspended,
    NotFound,
    SessionStarting,
    StartFailed,
    Unavailable,
)
from gamesession.api.instant import parse_instant
from gamesession.api.names import session_name
from gamesession.kube.connection import NoCluster
from tests.eventually import eventually
from tests.handlers.sdk.stage import Stage, refuse


async def gone(manager: AsyncGameSessionManager, session: GameSession) -> None:
    async def not_found() -> bool:
        return await manager.get_session(session.session_id) is None

    await eventually(not_found)


async def test_a_session_is_made_and_ready(stage: Stage) -> None:
    manager = stage.asynchronous()
    session = await manager.create_session("al_ice", "chess")
    stored = stage.session("al_ice")
    created_at = parse_instant(stored["metadata"]["creationTimestamp"])
    assert session.session_id == f"al_ice_chess_{int(created_at.timestamp())}"
    assert (session.user_id, session.game_id) == ("al_ice", "chess")
    assert session.created_at == created_at
    assert session.degraded is False
    assert session.endpoint("main") == f"http://{stored['status']['podIP']}:18000"
    assert stored["spec"] == {"user": "al_ice", "game": "chess"}
    assert stored["metadata"]["ownerReferences"][0]["name"] == "chess"


async def test_it_is_reused_and_one_object_for_all(stage: Stage) -> None:
    manager = stage.asynchronous()
    sessions = await asyncio.gather(
        *(manager.create_session(user, "chess") for user in ("alice", "bob") * 20)
    )
    assert len(set(sessions)) == 2
    assert await manager.create_session("alice", "chess") is sessions[0]
    assert await manager.get_session(sessions[0].session_id) is sessions[0]
    assert stage.api.count("create", "gamesessions") == 2


async def test_managers_share_sessions_but_not_objects(stage: Stage) -> None:
    one, other = stage.asynchronous(), stage.asynchronous()
    session = await one.create_session("alice", "chess")
    session.set_service("agent", "one's")
    same = await other.create_session("alice", "chess")
    assert same.session_id == session.session_id
    assert same.get_service("agent") is None


async def test_an_id_names_one_life(stage: Stage) -> None:
    manager = stage.asynchronous()
    first = await manager.create_session("alice", "chess")
    user, game, second = first.session_id.rsplit("_", 2)
    later, bobs = f"{user}_{game}_{int(second) + 1}", f"bob_{game}_{second}"
    for other in ("", "alice", later, bobs, "a_b/_1"):
        assert await manager.get_session(other) is None
        assert await manager.close_session(other) is False
    assert stage.session()


async def test_an_id_of_another_process_is_found_before_the_watch_tells(stage: Stage) -> None:
    one, other = stage.asynchronous(), stage.asynchronous()
    await other.get_session_count()
    session = await one.create_session("alice", "chess")
    found = await other.get_session(session.session_id)
    assert found is not None
    assert found.session_id == session.session_id


async def test_the_old_id_does_not_find_the_next_life(stage: Stage) -> None:
    manager = stage.asynchronous()
    first = await manager.create_session("alice", "chess")
    stage.end()
    stage.api.put(
        "gamesessions",
        {
            "metadata": {
                "name": session_name("chess", "alice"),
                "creationTimestamp": "2031-01-01T00:00:00Z",
            },
            "spec": {"user": "alice", "game": "chess"},
        },
    )
    await gone(manager, first)
    assert await manager.close_session(first.session_id) is False
    second = await manager.create_session("alice", "chess")
    assert second.session_id == "alice_chess_1924992000"
    assert second is not first


async def test_closing_ends_that_life_everywhere(stage: Stage) -> None:
    one, other = stage.asynchronous(), stage.asynchronous()
    session = await one.create_session("alice", "chess")
    assert await other.close_session(session.session_id) is True
    assert await other.close_session(session.session_id) is False
    assert stage.api.objects["gamesessions"] == {}
    (event,) = stage.api.objects["events"].values()
    assert event["reason"] == "Closed"
    assert event["reportingController"] == "gamelibrary.io/sdk"
    await gone(one, session)
    with pytest.raises(NotFound, match="has ended"):
        session.endpoint("main")


async def test_counts_are_of_all_that_live(stage: Stage) -> None:
    stage.add_game("go")
    one, other = stage.asynchronous(), stage.asynchronous()
    assert await one.get_session_count() == 0
    await one.create_session("alice", "chess")
    await one.create_session("alice", "go")
    bobs = await other.create_session("bob", "chess")

    async def all_seen() -> bool:
        return await one.get_session_count() == 3

    await eventually(all_seen)
    assert await one.get_user_session_count("alice") == 2
    assert await one.get_user_session_count("nobody") == 0
    await other.close_session(bobs.session_id)
    assert await other.get_session_count() == 2
    stage.fail("alice", "go")

    async def failure_seen() -> bool:
        return await other.get_user_session_count("alice") == 1

    await eventually(failure_seen)


async def test_the_manager_closes_and_ends_no_session(stage: Stage) -> None:
    async with stage.asynchronous() as manager:
        await manager.create_session("alice", "chess")
    assert stage.session()
    await manager.close()
    with pytest.raises(RuntimeError, match="closed"):
        await manager.create_session("alice", "chess")


# Timeouts ---------------------------------------------------------------------------------------


async def test_the_timeout_stands_in_sessions_that_are_made(stage: Stage) -> None:
    manager = stage.asynchronous(session_timeout=1.5)
    await manager.create_session("alice", "chess")
    assert stage.session()["spec"]["idleTimeout"] == "1m30s"


async def test_a_timeout_that_the_game_does_not_allow_says_what_to_change(stage: Stage) -> None:
    stage.add_game("short", session={"idleTimeout": "1m", "maxIdleTimeout": "10m"})
    manager = stage.asynchronous(session_timeout=11, fallback=lambda user, game: None)
    words = "session_timeout of 11m is above spec.session.maxIdleTimeout of Game short, 10m"
    with pytest.raises(BadRequest, match=words):
        await manager.create_session("alice", "short")
    assert stage.api.count("create", "gamesessions") == 0


@pytest.mark.parametrize("minutes", [0, -1, 0.08, float("nan"), float("inf")])
def test_a_timeout_that_no_game_allows_is_refused(minutes: float) -> None:
    with pytest.raises(ValueError, match="session_timeout"):
        AsyncGameSessionManager(session_timeout=minutes)


@pytest.mark.parametrize("seconds", [0, -1, float("nan")])
def test_an_interval_that_cannot_be_is_refused(seconds: float) -> None:
    with pytest.raises(ValueError, match="cleanup_interval"):
        AsyncGameSessionManager(cleanup_interval=seconds)


# What cannot be had -----------------------------------------------------------------------------


async def test_unknown_and_suspended_games(stage: Stage) -> None:
    stage.add_game("asleep", suspend=True)
    manager = stage.asynchronous()
    for name in ("nothing", "../../games", "No Game", ""):
        with pytest.raises(GameNotFound):
            await manager.create_session("alice", name)
    with pytest.raises(GameSuspended):
        await manager.create_session("alice", "asleep")


async def test_a_game_of_this_moment_is_known(stage: Stage) -> None:
    """Even where Games may be listed, but none be got."""
    manager = stage.asynchronous()
    await manager.get_session_count()
    stage.api.faults.append(refuse("GET", 403, "/games/"))
    with pytest.raises(GameNotFound):
        await manager.create_session("alice", "new")
    stage.add_game("new")
    assert (await manager.create_session("alice", "new")).game_id == "new"


@pytest.mark.parametrize("user", ["", "x" * 254, "a\nb", None, 7])
async def test_who_can_be_no_user_is_told_so(stage: Stage, user: str) -> None:
    with pytest.raises(BadRequest, match="user_id"):
        await stage.asynchronous().create_session(user, "chess")


async def test_a_start_that_takes_too_long(stage: Stage) -> None:
    stage.starts = False
    manager = stage.asynchronous(hold=0.3)
    with pytest.raises(SessionStarting) as raised:
        await manager.create_session("alice", "chess")
    assert raised.value.retry_after
    (name,) = stage.api.objects["gamesessions"]
    stage.start(name)
    assert await manager.create_session("alice", "chess")
    assert stage.api.count("create", "gamesessions") == 1


async def test_a_start_that_fails(stage: Stage) -> None:
    manager = stage.asynchronous()
    session = await manager.create_session("alice", "chess")
    stage.fail()

    async def told() -> bool:
        try:
            session.endpoint("main")
        except StartFailed as error:
            return "No image" in error.message
        return False

    await eventually(told)
    with pytest.raises(StartFailed, match="No image"):
        await manager.create_session("alice", "chess")
    stage.fail(ago=10)

    async def another() -> bool:
        try:
            return await manager.create_session("alice", "chess") is not session
        except StartFailed:
            return False

    await eventually(another)


async def test_no_api_server(stage: Stage) -> None:
    manager = stage.asynchronous()
    await stage.api.go_away()
    with pytest.raises(Unavailable):
        await manager.create_session("alice", "chess")
    with pytest.raises(Unavailable):
        await manager.get_session("alice_chess_1")
    await stage.api.come()

    async def comes_back() -> bool:
        try:
            return bool(await manager.create_session("alice", "chess"))
        except Unavailable:
            return False

    await eventually(comes_back)


async def test_a_running_session_needs_no_api_server(stage: Stage) -> None:
    manager = stage.asynchronous()
    session = await manager.create_session("alice", "chess")
    url = session.endpoint("main")
    await stage.api.go_away()
    assert await manager.create_session("alice", "chess") is session
    assert await manager.get_session(session.session_id) is session
    assert session.endpoint("main") == url
    with pytest.raises(Unavailable):
        await manager.create_session("bob", "chess")


async def test_no_way_to_a_cluster_is_told_with_the_cure(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GAMESESSION_KUBECONFIG", str(stage.kubeconfig) + ".not")
    with pytest.raises(NoCluster, match="GAMESESSION_KUBECONFIG"):
        await AsyncGameSessionManager(fallback=lambda user, game: None).get_session_count()


def test_settings_that_are_wrong_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValueError, match="namespace"):
        AsyncGameSessionManager(namespace="No_Namespace")
    monkeypatch.setenv("GAMESESSION_HOLD", "soon")
    with pytest.raises(ValueError, match="hold"):
        AsyncGameSessionManager()


async def test_cluster_and_namespace_may_come_from_the_environment(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GAMESESSION_KUBECONFIG", str(stage.kubeconfig))
    monkeypatch.setenv("GAMESESSION_NAMESPACE", "play")
    async with AsyncGameSessionManager() as manager:
        assert await manager.create_session("alice", "chess")


# Use --------------------------------------------------------------------------------------------


async def test_endpoints_follow_the_pod(stage: Stage) -> None:
    manager = stage.asynchronous()
    session = await manager.create_session("alice", "chess")
    before = session.endpoint("main")
    with pytest.raises(NotFound, match="no service 'other', but: main"):
        session.endpoint("other")
    stage.start(session_name("chess", "alice"))

    async def moved() -> bool:
        return session.endpoint("main") != before

    await eventually(moved)


async def test_identity_headers_are_the_gateways_and_follow_the_pod(stage: Stage) -> None:
    manager = stage.asynchronous()
    session = await manager.create_session("zo\u00eb", "chess")
    stored = stage.session("zo\u00eb")
    assert session.identity_headers() == {
        "X-Game-User": "zo%C3%AB",
        "X-Game-Session": f"zo%C3%AB_chess_{int(session.created_at.timestamp())}",
        "X-Game-Id": "chess",
        "X-Game-Pod": stored["status"]["podUID"],
    }
    stage.start(stored["metadata"]["name"])
    after = stage.session("zo\u00eb")["status"]["podUID"]

    async def moved() -> bool:
        return bool(session.identity_headers()["X-Game-Pod"] == after)

    await eventually(moved)
    stage.end("zo\u00eb")
    await gone(manager, session)
    with pytest.raises(NotFound, match="has ended"):
        session.identity_headers()


async def test_activity_is_written_at_a_tenth_of_the_timeout_and_at_close(stage: Stage) -> None:
    stage.add_game("quick", session={"idleTimeout": "5s"})
    manager = stage.asynchronous()
    session = await manager.create_session("alice", "quick")
    made = session.last_activity
    assert made is not None

    def written() -> datetime:
        return parse_instant(stage.session("alice", "quick")["status"]["lastActivity"])

    for _ in range(100):
        session.update_activity()
    used = session.last_activity
    assert used is not None
    assert used > made

    async def stands() -> bool:
        return written() >= used

    await eventually(stands)
    assert stage.api.count("patch", "gamesessions/status") <= 2
    session.update_activity()
    last = session.last_activity
    assert last is not None
    await manager.close()
    assert written() >= last


async def test_what_is_used_after_its_end_is_not_used(stage: Stage) -> None:
    manager = stage.asynchronous()
    session = await manager.create_session("alice", "chess")
    await manager.close_session(session.session_id)
    last = session.last_activity
    session.update_activity()
    assert session.last_activity == last


async def test_a_look_is_no_activity(stage: Stage) -> None:
    manager = stage.asynchronous()
    session = await manager.create_session("alice", "chess")
    before = session.last_activity
    await manager.get_session(session.session_id)
    session.endpoint("main")
    assert session.last_activity == before


async def test_a_refused_creation_is_told(stage: Stage) -> None:
    stage.api.faults.append(refuse("POST", 403))
    with pytest.raises(Unavailable):
        await stage.asynchronous().create_session("alice", "chess")
