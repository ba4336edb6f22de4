"""While the API server is away, or at odds with us."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta

import pytest
from aiohttp import web

from gamesession.api.names import session_name
from gamesession.kube.cluster import Object
from tests.eventually import eventually
from tests.handlers.gateway.apiserver import Fault
from tests.handlers.gateway.pods import HttpPod
from tests.handlers.gateway.stage import Stage


async def code_of(stage: Stage, method: str, path: str, user: str = "alice") -> tuple[int, str]:
    """Status of an answer, and its error code if it has one."""
    async with stage.request(method, path, user) as answer:
        body = json.loads(await answer.read())
        return answer.status, body.get("error", {}).get("code", "")


async def test_running_sessions_are_served_and_new_ones_are_unavailable() -> None:
    """A request that has a pod to wait for waits as long as it would for the pod."""
    async with Stage(hold=timedelta(seconds=1)) as stage:
        await stage.add_game()
        await stage.add_session()
        await stage.api.go_away()
        for _ in range(3):
            assert await code_of(stage, "GET", "/api/chess/") == (200, "")
        assert await code_of(stage, "GET", "/api/chess/session/status") == (200, "")
        assert await code_of(stage, "GET", "/api/chess/", "bob") == (503, "unavailable")
        for method, endpoint, user in (
            ("POST", "open", "bob"),
            ("POST", "close", "alice"),
            ("GET", "status", "bob"),
        ):
            path = f"/api/chess/session/{endpoint}"
            assert await code_of(stage, method, path, user) == (503, "unavailable")


async def test_when_it_is_back_new_sessions_are_made_again() -> None:
    async with Stage(hold=timedelta(seconds=0.5)) as stage:
        await stage.add_game()
        await stage.api.go_away()
        assert await code_of(stage, "GET", "/api/chess/") == (503, "unavailable")
        await stage.api.come()

        async def served() -> bool:
            return await code_of(stage, "GET", "/api/chess/") == (200, "")

        await eventually(served)
        assert stage.api.count("create", "gamesessions") == 1


async def test_a_first_request_waits_until_the_api_server_is_back(stage: Stage) -> None:
    """A restart of it costs those who come meanwhile time, and no error."""
    await stage.api.go_away()
    asking = [asyncio.create_task(code_of(stage, "GET", "/api/chess/", f"user-{n}")) for n in "ab"]
    done, _ = await asyncio.wait(asking, timeout=1)
    assert not done
    await stage.api.come()
    assert await asyncio.gather(*asking) == [(200, "")] * 2
    assert stage.api.count("create", "gamesessions") == 2


async def test_who_is_refused_by_an_api_server_that_is_just_back_waits_on(stage: Stage) -> None:
    """It serves before it has read its roles, and forbids everything until then."""
    await stage.api.go_away()
    asking = asyncio.create_task(code_of(stage, "GET", "/api/chess/"))

    async def is_known() -> bool:
        return stage.cluster.contact.lost

    await eventually(is_known)
    stage.api.faults.append(once("POST", 403))
    await stage.api.come()
    assert await asking == (200, "")


@pytest.mark.parametrize("status", [500, 503, 429])
async def test_a_refused_creation_is_tried_again(stage: Stage, status: int) -> None:
    stage.api.faults.append(once("POST", status))
    assert await code_of(stage, "GET", "/api/chess/") == (200, "")
    assert stage.api.count("create", "gamesessions") == 1


async def test_a_creation_that_is_forbidden_is_unavailable(stage: Stage) -> None:
    stage.api.faults.append(always("POST", 403))
    assert await code_of(stage, "GET", "/api/chess/") == (503, "unavailable")


async def test_a_creation_whose_answer_was_lost_is_found_again(stage: Stage) -> None:
    lost: list[Object] = []

    async def swallow(request: web.Request) -> web.StreamResponse | None:
        if request.method != "POST" or lost:
            return None
        body = json.loads(await request.read())
        lost.append(stage.api.put("gamesessions", body))
        assert request.transport is not None
        request.transport.abort()
        return web.Response()

    stage.api.faults.append(swallow)
    assert await code_of(stage, "GET", "/api/chess/") == (200, "")
    assert stage.session()["metadata"]["uid"] == lost[0]["metadata"]["uid"]


async def test_a_creation_that_was_lost_on_the_way_is_made_again(stage: Stage) -> None:
    lost: list[web.Request] = []

    async def drop(request: web.Request) -> web.StreamResponse | None:
        if request.method != "POST" or lost:
            return None
        lost.append(request)
        assert request.transport is not None
        request.transport.abort()
        return web.Response()

    stage.api.faults.append(drop)
    assert await code_of(stage, "GET", "/api/chess/") == (200, "")


async def test_what_another_replica_made_is_adopted(stage: Stage) -> None:
    """Both create at the same time: the other one is first, and our watch is late."""
    name = session_name("chess", "alice")

    async def overtake(request: web.Request) -> web.StreamResponse | None:
        if request.method == "POST" and name not in stage.api.objects["gamesessions"]:
            spec = {"user": "alice", "game": "chess"}
            stage.api.put("gamesessions", {"metadata": {"name": name}, "spec": spec})
        return None

    stage.api.faults.append(overtake)
    assert await code_of(stage, "GET", "/api/chess/") == (200, "")
    assert stage.api.count("create", "gamesessions") == 0


async def test_two_replicas_make_one_session() -> None:
    async with Stage() as one, Stage(api=one.api) as two:
        await one.add_game()
        await two.until_known("chess")
        codes = await asyncio.gather(
            *(code_of(stage, "GET", "/api/chess/") for stage in (one, two) for _ in range(20))
        )
        assert set(codes) == {(200, "")}
        assert one.api.count("create", "gamesessions") == 1


async def test_a_hold_outlasts_an_api_server_that_is_away_for_a_moment() -> None:
    async with Stage(hold=timedelta(seconds=20)) as stage:
        stage.pod_for = lambda session: None
        await stage.add_game()
        asking = asyncio.create_task(code_of(stage, "GET", "/api/chess/"))

        async def waits() -> bool:
            stage.session()
            return stage.service.holds.places.taken("chess") == 1

        await eventually(waits)
        await stage.api.go_away()
        await stage.api.come()
        await stage.bind(stage.session()["metadata"]["name"], HttpPod())
        assert await asking == (200, "")


async def test_before_the_first_list_nothing_is_known_and_the_replica_is_not_ready() -> None:
    stage = Stage()

    async def refuse(request: web.Request) -> web.StreamResponse | None:
        return web.json_response({"code": 500}, status=500)

    stage.api.faults.append(refuse)
    async with stage.unready():
        assert "gamesessions not listed yet" in stage.service.unready()
        assert await code_of(stage, "GET", "/api/chess/") == (503, "unavailable")
        assert stage.service.unhealthy() == []


def once(method: str, status: int) -> Fault:
    """A fault that strikes once."""
    struck: list[web.Request] = []

    async def fault(request: web.Request) -> web.StreamResponse | None:
        if request.method != method or struck:
            return None
        struck.append(request)
        return web.json_response({"code": status, "message": "no"}, status=status)

    return fault


def always(method: str, status: int) -> Fault:
    """A fault that strikes every time."""

    async def fault(request: web.Request) -> web.StreamResponse | None:
        if request.method != method:
            return None
        return web.json_response({"code": status, "message": "no"}, status=status)

    return fault
