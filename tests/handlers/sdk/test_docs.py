"""What docs/sdk.md shows is what works."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from tests.handlers.gateway.pods import PORT, HttpPod
from tests.handlers.sdk.programs import ROOT
from tests.handlers.sdk.stage import Stage

FENCE = "```"


def first_example(page: Path) -> str:
    """The page's first block of Python."""
    return page.read_text().split(f"{FENCE}python\n", 1)[1].split(FENCE, 1)[0]


async def test_the_first_example(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        question = (await request.json())["message"]
        return web.Response(text=f"{request.headers['X-Game-User']}: {question} Yes.")

    monkeypatch.setenv("GAMESESSION_KUBECONFIG", str(stage.kubeconfig))
    stage.add_game("fortune-game", services=[{"name": "fortune_agent", "port": PORT}])
    names: dict[str, Any] = {}
    exec(first_example(ROOT / "docs" / "sdk.md"), names)  # our own page
    manager = names["manager"]
    session = await asyncio.to_thread(manager.create_session, "alice", "fortune-game")
    pod = HttpPod(answer, ip=session.endpoint("fortune_agent").split("/")[2].split(":")[0])
    await pod.listen()
    for _ in range(2):
        assert await asyncio.to_thread(names["chat"], "alice", "Luck?") == "alice: Luck? Yes."
    client = session.get_service("client")
    await asyncio.to_thread(manager.close)
    assert client.is_closed
    await pod.stop()
