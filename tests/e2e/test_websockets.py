"""WebSockets through the real gateway to a real pod."""

from __future__ import annotations

import asyncio
import os

import aiohttp
import pytest
from aiohttp import WSMsgType

from tests.e2e.arcade import Arcade
from tests.e2e.user import User
from tests.integration.condition import seconds_between

pytestmark = pytest.mark.e2e

MEGABYTE = 2**20
TIMEOUT = 5.0


async def test_both_ways_from_the_first_connection_on(arcade: Arcade) -> None:
    """It starts the session as any request does; text and bytes of any size come back, and the
    subprotocol is the pod's choice."""
    user = arcade.user("alice", await arcade.open())
    async with user.connect("/play", protocols=["echo.v1", "echo.v2"]) as socket:
        headers = socket._response.headers
        assert headers["X-Game-Start"] == "cold"
        assert socket.protocol == "echo.v2"
        for text in ("Hello?", "Grüße", ""):
            await socket.send_str(text)
            assert await socket.receive_str(timeout=30) == text
        for size in (1, 70_000, 8 * MEGABYTE):
            data = os.urandom(size)
            await socket.send_bytes(data)
            assert await socket.receive_bytes(timeout=30) == data
        await socket.ping(b"pod?")
        served = await user.get()
        assert (served.start, served.json["users"]) == ("reused", ["alice"])
        await socket.close(code=4000, message=b"enough")
        assert socket.close_code == 4000, "as the pod says it back"


async def test_many_of_one_user_go_to_one_pod(arcade: Arcade) -> None:
    user = arcade.user("alice", await arcade.open())

    async def play(number: int) -> None:
        async with user.connect("/play") as socket:
            for _ in range(10):
                await socket.send_str(str(number))
                assert await socket.receive_str(timeout=60) == str(number)

    await asyncio.gather(*map(play, range(20)))
    assert len(arcade.ground.made_pods(arcade.session_of(user))) == 1


async def test_they_end_with_their_session(arcade: Arcade) -> None:
    user = arcade.user("alice", await arcade.open())
    async with user.connect("/play") as socket:
        assert (await user.post("/session/close")).json["closed"]
        assert await end_of(socket) == (4410, "The session has ended.")


async def test_an_open_one_keeps_its_session_or_only_its_traffic_does(arcade: Arcade) -> None:
    """`streamActivity`: both are open and idle but for pings. With `Traffic` the session ends, and
    the WebSocket is told so; with `Open` it lives on."""
    lasting, ending = [
        arcade.user("alice", await arcade.open(session={"idleTimeout": "5s", **more}))
        for more in ({}, {"streamActivity": "Traffic"})
    ]
    ground = arcade.ground
    async with lasting.connect("/play") as open_one, ending.connect("/play") as idle_one:
        life = ground.uid_of(arcade.session_of(lasting))
        assert await end_of(idle_one) == (4410, "The session has ended.")
        await ground.until_gone(arcade.session_of(ending))
        (event,) = await ground.events_of(arcade.session_of(ending), "IdleTimeout")
        assert event["reportingController"] == "gamelibrary.io/operator"
        await ground.until(lambda: kept_for(arcade, lasting) > 2.5 * TIMEOUT)
        assert ground.uid_of(arcade.session_of(lasting)) == life
        await open_one.send_str("still there?")
        assert await open_one.receive_str(timeout=30) == "still there?"


async def test_what_goes_by_keeps_a_session_whose_traffic_counts(arcade: Arcade) -> None:
    session = {"idleTimeout": "5s", "streamActivity": "Traffic"}
    user = arcade.user("alice", await arcade.open(session=session))
    async with user.connect("/play") as socket:
        life = arcade.ground.uid_of(arcade.session_of(user))
        while kept_for(arcade, user) < 1.5 * TIMEOUT:
            await socket.send_str("tick")
            assert await socket.receive_str(timeout=30) == "tick"
            await asyncio.sleep(0.5)
        assert arcade.ground.uid_of(arcade.session_of(user)) == life


def kept_for(arcade: Arcade, user: User) -> float:
    """Seconds between the first Ready of a user's session and its last activity."""
    status = arcade.ground.status(arcade.session_of(user))
    if not status.get("readyAt"):
        return 0.0
    return seconds_between(status["readyAt"], status["lastActivity"])


async def end_of(socket: aiohttp.ClientWebSocketResponse) -> tuple[int, str]:
    """Code and words of the Close that comes next."""
    message = await socket.receive(timeout=60)
    assert message.type is WSMsgType.CLOSE, message
    return message.data, message.extra or ""
