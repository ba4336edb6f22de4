"""When sessions end by themselves, through real gateways and with real pods."""

from __future__ import annotations

import asyncio

import pytest

from gamesession.kube.resources import SESSIONS
from tests.e2e.arcade import Arcade
from tests.e2e.user import User
from tests.integration.condition import seconds_between

pytestmark = pytest.mark.e2e


async def test_sessions_end_when_nobody_uses_them_any_more(arcade: Arcade) -> None:
    """Each within a second and a half of its timeout, and never before; the used ones live."""
    game = await arcade.open(session={"idleTimeout": "10s"})
    await asyncio.gather(
        unused(arcade, game),
        opened_only(arcade, arcade.user("opens", game)),
        used_now_and_then(arcade, arcade.user("plays", game)),
        used_by_one_long_request(arcade, arcade.user("waits", game)),
        used_by_one_long_answer(arcade, arcade.user("listens", game)),
        looked_at_only(arcade, arcade.user("looks", game)),
    )


async def unused(arcade: Arcade, game: str) -> None:
    """Made by kubectl, and nobody ever comes."""
    name = await arcade.ground.create_session("nobody", game)
    ready = await arcade.ground.until_phase(name, "Ready")
    gone = await arcade.ground.until_gone(name)
    assert 10.0 <= seconds_between(ready["readyAt"], gone) <= 11.5
    await arcade.ground.until(lambda: not arcade.ground.pods_of(name))
    (event,) = await arcade.ground.events_of(name, "IdleTimeout")
    assert event["note"] == "No activity for 10s."


async def opened_only(arcade: Arcade, user: User) -> None:
    """To open a session is to use it, once."""
    answer = await user.post("/session/open")
    assert answer.status == 202
    name = arcade.session_of(user)
    ready = await arcade.ground.until_phase(name, "Ready")
    gone = await arcade.ground.until_gone(name)
    assert 10.0 <= seconds_between(ready["readyAt"], gone) <= 11.5


async def used_now_and_then(arcade: Arcade, user: User) -> None:
    """Older than its timeout, and there: only ten seconds after the last answer it goes."""
    first = await user.get()
    for _ in range(5):
        await asyncio.sleep(3)
        last = await user.get()
        assert (last.pod, last.start) == (first.pod, "reused")
    gone = await arcade.ground.until_gone(arcade.session_of(user))
    assert 10.0 <= seconds_between(last.ended, gone) <= 12.5


async def used_by_one_long_request(arcade: Arcade, user: User) -> None:
    """A request that runs keeps its session, though its answer has not begun."""
    answer = await user.get("/slow?seconds=14")
    assert answer.status == 200
    gone = await arcade.ground.until_gone(arcade.session_of(user))
    assert 10.0 <= seconds_between(answer.ended, gone) <= 12.5


async def used_by_one_long_answer(arcade: Arcade, user: User) -> None:
    """So does an answer that has no end, until its reader leaves."""
    async with user.stream("GET", "/drip") as response:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(14):
                await response.read()
    answer = await user.get("/session/status")
    assert answer.json["has_session"]
    gone = await arcade.ground.until_gone(arcade.session_of(user))
    assert 10.0 <= seconds_between(answer.began, gone) <= 12.5


async def looked_at_only(arcade: Arcade, user: User) -> None:
    """To ask for the status, or for what does not exist, is not to use it."""
    answer = await user.get()
    name = arcade.session_of(user)
    while name in arcade.ground.sessions:
        assert (await user.get("/session/status")).status == 200
        assert (await user.get("/session/nonsense")).status == 404
        await asyncio.sleep(0.2)
    gone = arcade.ground.deleted_at(SESSIONS, name)
    assert gone is not None
    assert 10.0 <= seconds_between(answer.ended, gone) <= 12.5
