"""Whether the API server is there."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from structlog.testing import capture_logs

from gamesession.controller import heartbeat as module
from gamesession.controller.heartbeat import Heartbeat
from tests.handlers.apiserver import hang_up, refusal
from tests.handlers.scene import Scene
from tests.unit.plan.objects import NAMESPACE, game

GAMES = "/apis/gamelibrary.io/v1alpha1/namespaces/games/games"


@pytest.fixture
def heartbeat(scene: Scene) -> Heartbeat:
    return Heartbeat(scene.cluster, NAMESPACE)


async def test_it_asks_for_next_to_nothing(scene: Scene, heartbeat: Heartbeat) -> None:
    scene.start(game())
    await heartbeat.beat()
    [request] = scene.server.requests
    assert (request.method, request.url.path) == ("GET", GAMES)
    assert dict(request.params) == {"limit": "1"}
    assert "PartialObjectMetadataList" in request.headers["Accept"]
    assert not scene.cluster.contact.lost


@pytest.mark.parametrize("answer", [refusal(500, "etcd"), refusal(503, "Away"), hang_up])
async def test_contact_is_lost_once_and_regained_once(
    scene: Scene, heartbeat: Heartbeat, answer: Any
) -> None:
    await heartbeat.beat()
    away = scene.server[f"get {GAMES}"] << answer
    with capture_logs() as lines:
        for _ in range(2):
            await heartbeat.beat()
        assert scene.cluster.contact.lost
        assert scene.cluster.contact.seconds() == 0
        scene.server._payloads.remove(away)
        for _ in range(2):
            await heartbeat.beat()
    assert not scene.cluster.contact.lost
    assert [line["event"].rpartition(" ")[2] for line in lines] == ["lost", "regained"]


async def test_a_server_that_is_silent_is_lost(
    scene: Scene, heartbeat: Heartbeat, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "ANSWER_SECONDS", 0.05)
    await heartbeat.beat()
    scene.server[f"get {GAMES}"] << asyncio.Event().wait
    await heartbeat.beat()
    assert scene.cluster.contact.lost


@pytest.mark.parametrize("answer", [refusal(403, "Forbidden"), refusal(429, "Busy")])
async def test_a_server_that_refuses_is_there(
    scene: Scene, heartbeat: Heartbeat, answer: Any
) -> None:
    await heartbeat.beat()
    scene.server[f"get {GAMES}"] << answer
    await heartbeat.beat()
    assert not scene.cluster.contact.lost
