"""Pods that cannot start: the session says why, and the gateway says the same."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from gamesession.kube.resources import GAMES
from tests.e2e.arcade import SERVICES, Arcade, container, template
from tests.integration.condition import condition, seconds_between

pytestmark = pytest.mark.e2e

NO_IMAGE = "localhost/gamesession/no-such-image:1"
START_TIMEOUT = {"startTimeout": "12s"}


async def test_a_start_that_fails_says_why(arcade: Arcade) -> None:
    """Within `startTimeout`, in the session and at the gateway, with the same words."""
    await asyncio.gather(
        an_image_that_does_not_exist(arcade),
        an_image_that_is_not_on_the_node(arcade),
        a_container_that_exits(arcade),
        a_pod_that_cannot_be_scheduled(arcade),
        a_pod_that_never_gets_ready(arcade),
    )


async def an_image_that_does_not_exist(arcade: Arcade) -> None:
    """The runtime's own words are in the message."""
    reason, message = await failure(arcade, with_image(NO_IMAGE))
    assert reason in ("ErrImagePull", "ImagePullBackOff")
    assert NO_IMAGE in message


async def an_image_that_is_not_on_the_node(arcade: Arcade) -> None:
    """Nor may it be pulled: there is nothing to wait for."""
    reason, message = await failure(arcade, with_image(NO_IMAGE, imagePullPolicy="Never"))
    assert reason == "ErrImageNeverPull"
    assert NO_IMAGE in message


async def a_container_that_exits(arcade: Arcade) -> None:
    """With its exit code and its last words."""
    exits = {
        "MISCHIEF_EXIT_AFTER": "0",
        "MISCHIEF_EXIT_CODE": "3",
        "MISCHIEF_START_DELAY": "60",
        "MISCHIEF_LAST_WORDS": "no ammunition left",
    }
    reason, message = await failure(arcade, template(container(exits)))
    assert reason == "Error"
    assert "exit code 3" in message
    assert "no ammunition left" in message


async def a_pod_that_cannot_be_scheduled(arcade: Arcade) -> None:
    """The scheduler's own words are in the message."""
    nowhere = template(container({}), nodeSelector={"example.com/moon": "far-side"})
    reason, message = await failure(arcade, nowhere)
    assert reason == "Unschedulable"
    assert "node(s) didn't match" in message


async def a_pod_that_never_gets_ready(arcade: Arcade) -> None:
    """It runs, and does not listen: the end of its log may tell why."""
    reason, message = await failure(arcade, template(container({"MISCHIEF_START_DELAY": "60"})))
    assert reason == "StartTimeout"
    assert "12s" in message


async def test_a_game_that_is_mended_is_played(arcade: Arcade) -> None:
    """The request after next, once the failure is five seconds old, makes a new session."""
    mended = template(container({}))
    game = await arcade.install(
        services=SERVICES, template=with_image(NO_IMAGE, imagePullPolicy="Never")
    )
    user = arcade.user("alice", game)
    assert (await user.get()).code == "start_failed"
    patch = {"spec": {"template": mended}}
    await arcade.ground.cluster.merge_patch(GAMES, arcade.ground.namespace, game, patch)

    async with asyncio.timeout(60):
        while (answer := await user.get()).status != 200:
            assert answer.code == "start_failed"
            await asyncio.sleep(0.5)
    assert (answer.start, answer.json["users"]) == ("cold", ["alice"])


def with_image(image: str, **fields: Any) -> dict[str, Any]:
    """The mischief template, of another image."""
    return template({**container({}), "image": image, **fields})


async def failure(arcade: Arcade, pods: dict[str, Any]) -> tuple[str, str]:
    """Reason and message of a session that failed, after it was seen that the gateway says the
    same, that it did not take too long, and that no pod is left."""
    game = await arcade.install(services=SERVICES, template=pods, session=START_TIMEOUT)
    user = arcade.user("alice", game)
    name = arcade.session_of(user)
    answer = await user.get()
    assert (answer.status, answer.code) == (502, "start_failed"), answer.body
    status = await arcade.ground.until_phase(name, "Failed")
    ready = condition(arcade.ground.sessions[name], "Ready")
    assert ready is not None
    assert answer.message == ready["message"]
    assert seconds_between(status["startedAt"], status["failedAt"]) < 12 + 3
    await arcade.ground.until(lambda: not arcade.ground.pods_of(name))
    return ready["reason"], ready["message"]
