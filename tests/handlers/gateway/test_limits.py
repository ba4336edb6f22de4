"""How many sessions may be made, and who is told to come back later."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from aiohttp import web

from gamesession.api.instant import format_instant
from gamesession.api.names import session_name
from gamesession.kube.cluster import Object
from tests.eventually import eventually
from tests.handlers.gateway.stage import Stage


async def opened(stage: Stage, user: str = "alice", game: str = "chess") -> tuple[int, Any, int]:
    """Status, body and `Retry-After` (0 if there is none) of `session/open`."""
    async with stage.post(f"/api/{game}/session/open", user) as answer:
        retry_after = int(answer.headers.get("Retry-After", 0))
        return answer.status, json.loads(await answer.read()), retry_after


async def refused(stage: Stage, user: str = "alice", game: str = "chess") -> int:
    """Check that a session is refused for want of room, and return `Retry-After`."""
    code, body, retry_after = await opened(stage, user, game)
    assert (code, body["error"]["code"]) == (429, "capacity")
    assert session_name(game, user) not in stage.api.objects["gamesessions"]
    return retry_after


async def until_seen(stage: Stage, name: str) -> None:
    """Wait until the gateway knows a session as it stands."""
    found = stage.api.objects["gamesessions"].get(name)
    version = found["metadata"]["resourceVersion"] if found else None

    async def seen() -> bool:
        known = stage.service.directory.sessions.get(name)
        return (known.resource_version if known else None) == version

    await eventually(seen)


# Sessions that wait -------------------------------------------------------------------------------


async def test_more_than_max_pending_are_not_even_written_down(stage: Stage) -> None:
    stage.pod_for = lambda session: None
    await stage.add_game("chess", limits={"maxPending": 2})
    assert [(await opened(stage, user))[0] for user in ("alice", "bob")] == [202, 202]
    assert await refused(stage, "carol") > 0
    async with stage.get("/api/chess/", "carol") as answer:
        assert answer.status == 429
    assert stage.api.count("create", "gamesessions") == 2


async def test_who_waits_already_is_not_refused(stage: Stage) -> None:
    stage.pod_for = lambda session: None
    await stage.add_game("chess", limits={"maxPending": 1})
    assert (await opened(stage))[0] == 202
    assert (await opened(stage))[0] == 202


async def test_other_games_have_pending_sessions_of_their_own(stage: Stage) -> None:
    stage.pod_for = lambda session: None
    await stage.add_game("chess", limits={"maxPending": 1})
    await stage.add_game("go", limits={"maxPending": 1})
    assert (await opened(stage))[0] == 202
    assert (await opened(stage, game="go"))[0] == 202


@pytest.mark.parametrize("how", ["gets a pod", "fails", "ends"])
async def test_a_session_that_waits_no_more_makes_room(stage: Stage, how: str) -> None:
    stage.pod_for = lambda session: None
    await stage.add_game("chess", limits={"maxPending": 1})
    await opened(stage)
    await refused(stage, "bob")
    name = session_name("chess", "alice")
    match how:
        case "gets a pod":
            stage.api.change("gamesessions", name, starting)
        case "fails":
            stage.fail(name, "No image.")
        case _:
            stage.api.remove("gamesessions", name)
    await until_seen(stage, name)
    assert (await opened(stage, "bob"))[0] == 202


def starting(session: Object) -> None:
    """The status of a session that has got a pod."""
    session["status"] = {"phase": "Starting", "podName": "p", "podUID": "u"}


async def test_many_at_once_do_not_slip_through_together(stage: Stage) -> None:
    """Their creations are under way at the same time, and no watch has told of any."""
    stage.pod_for = lambda session: None
    await stage.add_game("chess", limits={"maxPending": 5})
    go = asyncio.Event()

    async def slow(request: web.Request) -> None:
        if request.method == "POST" and request.path.endswith("gamesessions"):
            await go.wait()

    stage.api.faults.append(slow)
    tasks = [asyncio.create_task(opened(stage, f"user-{number}")) for number in range(20)]

    async def told() -> bool:
        return sum(task.done() for task in tasks) == 15

    await eventually(told)
    go.set()
    assert sorted([code for code, _, _ in await asyncio.gather(*tasks)]) == [202] * 5 + [429] * 15


# Sessions of one user -----------------------------------------------------------------------------


async def test_a_user_may_have_so_many_sessions_over_all_games() -> None:
    async with Stage(max_sessions_per_user=2) as stage:
        for name in ("chess", "go", "poker"):
            await stage.add_game(name)
        assert [(await opened(stage, game=game))[0] for game in ("chess", "go")] == [202, 202]
        assert await refused(stage, game="poker") > 0
        assert (await opened(stage, "bob", "poker"))[0] == 202
        await stage.until_ready(game="chess")
        async with stage.post("/api/chess/session/close") as answer:
            assert answer.status == 200
        assert (await opened(stage, game="poker"))[0] == 202


async def test_a_failed_session_is_none_that_a_user_has(stage: Stage) -> None:
    async with Stage(max_sessions_per_user=1) as stage:
        stage.pod_for = lambda session: None
        for name in ("chess", "go"):
            await stage.add_game(name)
        await opened(stage)
        name = session_name("chess", "alice")
        stage.fail(name, "No image.")
        await until_seen(stage, name)
        assert (await opened(stage, game="go"))[0] == 202


# How often ----------------------------------------------------------------------------------------


async def test_opening_and_closing_in_a_loop_ends_soon() -> None:
    async with Stage(creations_per_user=3) as stage:
        stage.pod_for = lambda session: None
        await stage.add_game()
        for _ in range(3):
            assert (await opened(stage))[0] == 202
            async with stage.post("/api/chess/session/close") as answer:
                assert answer.status == 200
        assert 0 < await refused(stage) <= 20  # a third of a minute, less what the loop took
        assert (await opened(stage, "bob"))[0] == 202


async def test_a_creation_that_fails_does_not_count(stage: Stage) -> None:
    async with Stage(creations_per_user=1) as stage:
        stage.pod_for = lambda session: None
        await stage.add_game()

        async def refuse(request: web.Request) -> web.StreamResponse | None:
            if request.method == "POST" and request.path.endswith("gamesessions"):
                return web.json_response({"reason": "Forbidden", "message": "no"}, status=403)
            return None

        stage.api.faults.append(refuse)
        assert (await opened(stage))[0] == 503
        stage.api.faults.clear()
        assert (await opened(stage))[0] == 202


async def test_who_is_refused_keeps_the_session_that_failed(stage: Stage) -> None:
    """It is deleted only for a new one, and there is none for now."""
    async with Stage(creations_per_user=1) as stage:
        stage.pod_for = lambda session: None
        await stage.add_game()
        await opened(stage)
        name = session_name("chess", "alice")
        failed_at = datetime.now(UTC) - timedelta(seconds=30)
        stage.fail(name, "No image.", failedAt=format_instant(failed_at))
        await until_seen(stage, name)
        assert (await opened(stage))[0] == 429
        assert stage.api.objects["gamesessions"][name]["status"]["phase"] == "Failed"
