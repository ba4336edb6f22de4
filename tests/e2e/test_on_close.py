"""The next life of a user's session waits until the pod before has saved its state."""

from __future__ import annotations

import asyncio
import copy
import secrets
from typing import Any

import pytest
import yaml

from demo.target import FORTUNE
from gamesession.api.instant import parse_instant
from tests.e2e.arcade import Arcade
from tests.e2e.user import Answer, User

pytestmark = pytest.mark.e2e

SAVE_SECONDS = 4


async def test_the_next_life_starts_after_the_pod_before_is_gone_and_knows_what_it_saved(
    arcade: Arcade,
) -> None:
    """Close, and come back at once: the answer waits until the old pod has saved, and says so."""
    # Redis remembers users whatever game they played, so this one is new.
    name = f"alice-{secrets.token_hex(4)}"
    user = arcade.user(name, await arcade.install(**slowly_saving()))
    first = await say(user, "What will today bring?")
    assert (first.json["messages"], first.json["past_conversations"]) == (1, 0)
    again = await say(user, "And tomorrow?")
    assert (again.json["messages"], again.start) == (2, "reused")
    (old,) = await living_pods(arcade, user)

    closed = await user.post("/session/close")
    assert (closed.status, closed.json) == (200, {"success": True, "closed": True})
    back = await say(user, "Do you remember me?")

    assert (back.status, back.start) == (200, "cold")
    assert back.session_id != first.session_id
    assert (back.json["messages"], back.json["past_conversations"]) == (1, 1)
    assert "And tomorrow?" in back.json["reply"]
    (new,) = await living_pods(arcade, user)
    assert changes_of(arcade, old, new) == [(old, "ADDED"), (old, "DELETED"), (new, "ADDED")]
    # Whole seconds are all that the times of containers have.
    assert started_at(arcade, new) >= deleted_at(arcade, old).replace(microsecond=0)


async def test_a_session_that_is_closed_twice_is_closed(arcade: Arcade) -> None:
    """One after the other, at once, and when there never was one."""
    user = arcade.user("alice", await arcade.open())
    assert (await user.post("/session/close")).json == {"success": True, "closed": False}
    assert (await user.get()).status == 200
    answers = await asyncio.gather(*(user.post("/session/close") for _ in range(5)))
    assert [answer.status for answer in answers] == [200] * 5
    assert any(answer.json["closed"] for answer in answers)
    assert (await user.post("/session/close")).json == {"success": True, "closed": False}
    await arcade.ground.until_gone(arcade.session_of(user))


def slowly_saving() -> dict[str, Any]:
    """The spec of the fortune-game, whose saves take their time here."""
    spec = copy.deepcopy(yaml.safe_load((FORTUNE / "game.yaml").read_text())["spec"])
    del spec["route"]
    (container,) = spec["template"]["spec"]["containers"]
    container["env"].append({"name": "FORTUNE_SAVE_DELAY", "value": str(SAVE_SECONDS)})
    return dict(spec)


async def say(user: User, message: str) -> Answer:
    """A message to the fortune agent."""
    return await user.post("/chat", json={"message": message})


async def living_pods(arcade: Arcade, user: User) -> list[str]:
    """The names of the pods of a user's session, once it is Ready."""
    name = arcade.session_of(user)
    await arcade.ground.until_phase(name, "Ready")
    return [pod["metadata"]["name"] for pod in arcade.ground.living_pods_of(name)]


def changes_of(arcade: Arcade, *pods: str) -> list[tuple[str, str]]:
    """How pods came and went, in the API server's order."""
    return [
        (name, change.kind)
        for change in arcade.ground.history["pods"]
        if change.kind != "MODIFIED" and (name := change.object["metadata"]["name"]) in pods
    ]


def started_at(arcade: Arcade, pod: str) -> Any:
    """When the container of a pod started."""
    (status,) = arcade.ground.pods[pod]["status"]["containerStatuses"]
    return parse_instant(status["state"]["running"]["startedAt"])


def deleted_at(arcade: Arcade, pod: str) -> Any:
    """When a pod was seen to go."""
    return next(
        change.at
        for change in arcade.ground.history["pods"]
        if change.kind == "DELETED" and change.object["metadata"]["name"] == pod
    )
