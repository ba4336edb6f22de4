"""A Game that is deleted takes its sessions and pods along."""

from __future__ import annotations

import asyncio

import pytest

from demo.target import GAMES
from tests.e2e.arcade import Arcade
from tests.e2e.stack import Stack

pytestmark = pytest.mark.e2e


async def test_sessions_and_pods_go_with_their_game(arcade: Arcade, stack: Stack) -> None:
    """Those that run, the one that starts and the one that failed; others are left alone."""
    game, other = await arcade.open(), await arcade.open()
    users = [*arcade.users(3, game), arcade.user("starting", game)]
    stays = arcade.user("alice", other)
    first, *_ = await asyncio.gather(stays.get(), *(user.get() for user in users[:3]))
    await users[3].post("/session/open")
    names = [arcade.session_of(user) for user in users]
    await arcade.ground.until(lambda: set(names) <= set(arcade.ground.sessions))

    await asyncio.to_thread(stack.kubectl, "-n", GAMES, "delete", "game", game, "--timeout=60s")

    ground = arcade.ground
    await ground.until(lambda: not set(names) & set(ground.sessions))
    await ground.until(lambda: not any(ground.pods_of(name) for name in names))
    answer = await users[0].get()
    assert (answer.status, answer.code) == (404, "game_not_found")
    assert (await stays.get()).pod == first.pod
