"""Operator and gateway killed by SIGKILL: nobody's session ends, and nobody gets a second pod."""

from __future__ import annotations

import asyncio
import contextlib
from datetime import UTC, datetime, timedelta

import aiohttp
import pytest

from tests.e2e.arcade import Arcade
from tests.e2e.stack import Stack
from tests.e2e.user import Answer, User
from tests.eventually import eventually
from tests.integration.condition import seconds_between

pytestmark = pytest.mark.e2e

IDLE = 10
GRACE = min(60, IDLE)


async def test_sessions_outlive_the_operator(arcade: Arcade, stack: Stack) -> None:
    """One that is used is served meanwhile; starts that were under way go on, with one pod each;
    one that nobody uses ends when gateways have had time to say that somebody does."""
    game = await arcade.open(session={"idleTimeout": f"{IDLE}s"})
    used, unused = arcade.user("used", game), arcade.user("unused", game)
    first, last = await asyncio.gather(used.get(), unused.get())
    for user in (used, unused):
        await arcade.ground.until_phase(arcade.session_of(user), "Ready")

    late = arcade.users(10, game)
    starting = [asyncio.create_task(user.get_patiently()) for user in late]
    await arcade.ground.until(
        lambda: any(arcade.ground.pods_of(arcade.session_of(u)) for u in late)
    )
    playing = asyncio.create_task(play(used))
    await asyncio.to_thread(stack.kill, "operator")
    await asyncio.to_thread(stack.await_ready, "operator")
    restarted = datetime.now(UTC)
    assert {arcade.session_of(used), arcade.session_of(unused)} <= set(arcade.ground.sessions)

    pods = {(await start).pod for start in starting}
    assert len(pods) == len(late)
    for user in late:
        assert len(arcade.ground.made_pods(arcade.session_of(user))) == 1
    gone = await arcade.ground.until_gone(arcade.session_of(unused))
    assert gone >= last.ended + timedelta(seconds=IDLE)
    assert seconds_between(max(last.ended, restarted), gone) <= GRACE + 1.5

    playing.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await playing
    assert (await used.get()).pod == first.pod


async def play(user: User) -> None:
    """A request every now and then, each answered by a pod that runs."""
    while True:
        answer = await user.get()
        assert (answer.status, answer.start) == (200, "reused"), answer.body
        await asyncio.sleep(0.2)


async def test_users_outlive_the_gateway(arcade: Arcade, stack: Stack) -> None:
    """A client that tries again meets its session, in the pod it was in; so does one that was
    waiting for its start."""
    idle = 30  # the new processes are there before that, also on a machine that is busy
    game = await arcade.open(session={"idleTimeout": f"{idle}s"})
    slow = await arcade.open(environment={"MISCHIEF_START_DELAY": "5"})
    user, waiting = arcade.user("alice", game), arcade.user("bob", slow)
    first = await user.get()
    start = asyncio.create_task(stubborn(waiting))
    await arcade.ground.until(lambda: arcade.ground.pods_of(arcade.session_of(waiting)))
    await asyncio.to_thread(stack.kill, "gateway")
    again = await stubborn(user)
    assert (again.pod, again.session_id, again.start) == (first.pod, first.session_id, "reused")
    assert (await start).json["users"] == ["bob"]
    for each in (user, waiting):
        assert len(arcade.ground.made_pods(arcade.session_of(each))) == 1
    gone = await arcade.ground.until_gone(arcade.session_of(user))
    assert idle <= seconds_between(again.ended, gone) <= idle + 2.5


async def stubborn(user: User) -> Answer:
    """The answer to a client that tries again whatever happens to its connection."""

    async def answered() -> Answer | None:
        try:
            answer = await user.get()
        except aiohttp.ClientError:
            return None
        return answer if answer.status == 200 else None

    return await eventually(answered, deadline=150, every=0.2)
