"""What the gateway counts while it serves."""

from __future__ import annotations

import asyncio

import pytest
from aiohttp import web
from prometheus_client import REGISTRY, generate_latest

from gamesession.kube import metrics
from tests.eventually import eventually
from tests.handlers.gateway.pods import HttpPod
from tests.handlers.gateway.stage import Stage
from tests.handlers.gateway.test_refusals import failed_session
from tests.handlers.gateway.test_websocket import connected, echo, pod_that


def open_streams() -> float | None:
    return REGISTRY.get_sample_value("gamesession_gateway_open_streams", {"game": "chess"})


def ended(reason: str) -> float:
    labels = {"game": "chess", "reason": reason}
    return REGISTRY.get_sample_value("gamesession_ended_total", labels) or 0


async def until_open(count: int) -> None:
    async def is_so() -> bool:
        return open_streams() == count

    await eventually(is_so)


async def test_a_websocket_is_an_open_stream_until_it_ends(stage: Stage) -> None:
    await stage.add_session(pod=pod_that(echo))
    assert open_streams() == 0, "there from the first"
    async with connected(stage), connected(stage) as socket:
        await socket.send_str("Hello?")
        await socket.receive_str()
        await until_open(2)
    await until_open(0)


@pytest.mark.parametrize(("kind", "count"), [("text/event-stream", 1), ("text/plain", 0)])
async def test_so_is_a_stream_of_events_and_no_other_answer(
    stage: Stage, kind: str, count: int
) -> None:
    over = asyncio.Event()

    async def serve(request: web.BaseRequest) -> web.StreamResponse:
        answer = web.StreamResponse(headers={"Content-Type": kind})
        await answer.prepare(request)
        await answer.write(b"data: one\n\n")
        await over.wait()
        return answer

    await stage.add_session(pod=HttpPod(serve))
    async with stage.get("/api/chess/news") as answer:
        assert await answer.content.readline() == b"data: one\n"
        await until_open(count)
        over.set()
        await answer.read()
    await until_open(0)


async def test_failed_sessions_that_are_replaced_are_counted(stage: Stage) -> None:
    before = ended("Failed")
    await failed_session(stage, seconds_ago=60)
    async with stage.get("/api/chess/") as answer:
        assert answer.status == 200
    assert ended("Failed") == before + 1


async def test_sessions_that_users_close_are_counted(stage: Stage) -> None:
    before = ended("Closed")
    await stage.add_session()
    for closed in (True, False):
        async with stage.post("/api/chess/session/close") as answer:
            assert (await answer.json())["closed"] is closed
    assert ended("Closed") == before + 1


async def test_the_series_of_a_game_that_is_gone_go(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    await stage.add_game("passing")
    async with stage.get("/api/passing/session/status") as answer:
        assert answer.status == 200
    requests = 'gamesession_gateway_request_seconds_count{code="200",game="passing",start="none"}'
    assert f"{requests} 1.0" in generate_latest().decode()
    monkeypatch.setattr(metrics, "KEPT_SECONDS", 0.0)
    stage.api.remove("games", "passing")

    async def gone() -> bool:
        return 'game="passing"' not in generate_latest().decode()

    await eventually(gone)
    monkeypatch.undo()
    await stage.add_game("passing")
    async with stage.get("/api/passing/session/status") as answer:
        assert answer.status == 200
    assert f"{requests} 1.0" in generate_latest().decode(), "it begins anew, and is shown"
