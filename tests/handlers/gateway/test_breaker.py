"""While a Game's condition Ready is False, its sessions are made one by one."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest

from gamesession.api.instant import format_instant
from gamesession.client import breaker
from gamesession.kube.cluster import Object
from tests.eventually import eventually
from tests.handlers.gateway.stage import Stage

WORDS = "The last start failed, ErrImagePull: No such image."


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """No machine is so slow."""
    monkeypatch.setattr(breaker, "PAUSE", 3600.0)


async def say(stage: Stage, status: str) -> None:
    """What the operator says of the Game's starts."""

    def ready(game: Object) -> None:
        told = {"type": "Ready", "status": status, "reason": "StartsFailing", "message": WORDS}
        game["status"] = {"conditions": [told | {"observedGeneration": 1}]}

    stage.api.change("games", "chess", ready)
    await stage.until_known("chess")


async def ask(stage: Stage, user: str, path: str = "/api/chess/") -> tuple[int, str, str]:
    """Status, error code and message of an answer."""
    async with stage.get(path, user) as answer:
        error = json.loads(await answer.read()).get("error", {})
        return answer.status, error.get("code", ""), error.get("message", "")


async def test_one_is_made_and_the_others_are_told_why_not(stage: Stage) -> None:
    await say(stage, "False")
    users = [f"user-{number}" for number in range(20)]
    answers = Counter(await asyncio.gather(*(ask(stage, user) for user in users)))
    assert answers == {(200, "", ""): 1, (502, "start_failed", WORDS): 19}
    assert stage.api.count("create", "gamesessions") == 1
    await say(stage, "True")
    answers = Counter(await asyncio.gather(*(ask(stage, user) for user in users)))
    assert answers == {(200, "", ""): 20}


async def test_sessions_that_are_there_are_left_alone(stage: Stage) -> None:
    await stage.add_session("alice")
    await say(stage, "False")
    assert (await ask(stage, "bob"))[0] == 200, "the one"
    for user in ("alice", "bob"):
        assert (await ask(stage, user))[0] == 200
        assert (await ask(stage, user, "/api/chess/session/status"))[0] == 200
    assert (await ask(stage, "eve"))[0] == 502


async def test_what_failed_waits_for_its_turn_like_any_other(stage: Stage) -> None:
    """And is not deleted before."""
    await say(stage, "False")
    assert (await ask(stage, "bob"))[0] == 200, "the one"
    stage.pod_for = lambda session: None
    await stage.add_session("alice", name="failed")
    long_ago = format_instant(datetime.now(UTC) - timedelta(minutes=1))
    stage.fail("failed", "No such image.", failedAt=long_ago)

    async def known() -> bool:
        found = stage.service.directory.find("chess", "alice")
        return found is not None and found.phase == "Failed"

    await eventually(known)
    assert await ask(stage, "alice") == (502, "start_failed", WORDS)
    assert stage.api.count("delete", "gamesessions") == 0
