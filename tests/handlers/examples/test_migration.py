"""The migration guide's code, before and after: the same requests, the same answers."""

from __future__ import annotations

import asyncio
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import yaml

from gamesession.api.game import Game
from tests.cluster.controlplane import free_port
from tests.guides.guide import ROOT, Block, blocks
from tests.handlers.examples.process import EXAMPLES, Example, running
from tests.handlers.examples.test_examples import SECRET, login, pod_of, stage
from tests.handlers.sdk.stage import Stage

__all__ = ["stage"]

CODE = EXAMPLES / "migration"
SHOWN = [each for each in blocks(ROOT / "docs/migration.md") if each.runs]


def served(name: str, log: Path, **environment: str) -> AbstractAsyncContextManager[Example]:
    """One of the two servers."""
    return running(name, log, host="127.0.0.1", port=free_port(), folder=CODE, **environment)


async def ask(http: aiohttp.ClientSession, user: str, move: str | None = None) -> Any:
    """The answer to a move, or to a look at the game."""
    method = "GET" if move is None else "POST"
    async with http.request(method, "/chess/moves", data=move, headers=login(user)) as answer:
        return answer.status, await answer.json()


async def game_of_two(http: aiohttp.ClientSession) -> list[Any]:
    """What ann and bob are answered, who play at the same time."""
    answers = [*await asyncio.gather(ask(http, "ann", "e4"), ask(http, "bob", "d4"))]
    for user, move in [("ann", "c5"), ("bob", "d5"), ("bob", "c4")]:
        answers.append(await ask(http, user, move))
    return [*answers, await ask(http, "ann"), await ask(http, "bob")]


EXPECTED = [
    (200, {"moves": ["e4"], "opening": "unknown"}),
    (200, {"moves": ["d4"], "opening": "unknown"}),
    (200, {"moves": ["e4", "c5"], "opening": "Sicilian Defence"}),
    (200, {"moves": ["d4", "d5"], "opening": "unknown"}),
    (200, {"moves": ["d4", "d5", "c4"], "opening": "Queen's Gambit"}),
    (200, {"moves": ["e4", "c5"], "opening": "Sicilian Defence"}),
    (200, {"moves": ["d4", "d5", "c4"], "opening": "Queen's Gambit"}),
]


@pytest.mark.parametrize("block", SHOWN, ids=lambda block: block.place)
def test_the_guide_shows_the_code_that_runs(block: Block) -> None:
    if block.language == "yaml":
        Game.model_validate(yaml.safe_load(block.text))
    else:
        assert block.file, f"{block.place}: of which file is this?"
        assert block.text == (CODE / block.file).read_text()


async def test_before(tmp_path: Path) -> None:
    async with (
        served("before", tmp_path / "log", LOGIN_SECRET=SECRET) as server,
        aiohttp.ClientSession(server.url) as http,
    ):
        assert await game_of_two(http) == EXPECTED
        assert "Traceback" not in await server.stop()


async def test_after(stage: Stage, tmp_path: Path) -> None:
    settings = {
        "LOGIN_SECRET": SECRET,
        "GAMESESSION_NAMESPACE": "play",
        "GAMESESSION_KUBECONFIG": str(stage.kubeconfig),
        "GAMESESSION_HOLD": "60s",
    }
    async with (
        served("after", tmp_path / "after", **settings) as server,
        aiohttp.ClientSession(server.url) as http,
    ):
        game = asyncio.create_task(game_of_two(http))
        async with (
            pod_of(stage.api, "ann", "pod", tmp_path / "ann", CODE) as anns,
            pod_of(stage.api, "bob", "pod", tmp_path / "bob", CODE) as bobs,
        ):
            assert await game == EXPECTED, "clients notice nothing"
            await bobs.stop()
            assert await ask(http, "ann") == EXPECTED[-2], "nobody loses a game by another's crash"
            assert (await ask(http, "bob"))[0] == 502
            logs = [await anns.stop(), await server.stop()]
    assert not any("Traceback" in log for log in logs), logs
