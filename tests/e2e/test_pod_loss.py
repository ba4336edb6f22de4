"""A session whose pod goes gets another one, and its user goes on."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from demo.target import GAMES
from tests.e2e.arcade import Arcade
from tests.e2e.stack import Stack
from tests.e2e.user import Answer, User

pytestmark = pytest.mark.e2e


async def test_a_pod_deleted_by_hand_comes_back(arcade: Arcade, stack: Stack) -> None:
    """The session is Ready again, with another pod; who plays on gets no error."""
    user = arcade.user("alice", await arcade.open())
    first, name = await user.get(), arcade.session_of(user)
    old = (await arcade.ground.until_phase(name, "Ready"))["podName"]

    playing = asyncio.create_task(play_until_another_pod_answers(user, first.pod))
    await asyncio.to_thread(stack.kubectl, "-n", GAMES, "delete", "pod", old)
    answers = await playing

    assert [answer.status for answer in answers] == [200] * len(answers)
    assert {answer.session_id for answer in answers} == {first.session_id}
    status = await arcade.ground.until(
        lambda: ready_again(arcade.ground.status(name), answers[-1].pod)
    )
    assert status["restarts"] == 1
    assert len(arcade.ground.living_pods_of(name)) == 1


async def test_a_pod_whose_container_stops_comes_back(arcade: Arcade) -> None:
    """The request that it fell over gets an error and is not sent again; the next is answered."""
    user = arcade.user("alice", await arcade.open())
    first, name = await user.get(), arcade.session_of(user)
    await arcade.ground.until_phase(name, "Ready")
    fatal = await user.post("/exit?code=3")
    assert (fatal.status, fatal.code) == (502, "upstream_unreachable")
    after = await user.get()
    assert after.pod != first.pod
    assert after.session_id == first.session_id
    assert len(arcade.ground.made_pods(name)) == 2


async def play_until_another_pod_answers(user: User, pod: str) -> list[Answer]:
    """A request after the other, with hardly a pause."""
    answers = [await user.get()]
    async with asyncio.timeout(60):
        while answers[-1].status != 200 or answers[-1].pod == pod:
            answers.append(await user.get())
            await asyncio.sleep(0.02)
    return answers


def ready_again(status: dict[str, Any], pod: str) -> dict[str, Any] | None:
    """The status, if it is Ready with that pod."""
    return status if (status["phase"], status.get("podUID")) == ("Ready", pod) else None
