"""Bodies pass as they come, in both directions: nothing is kept back, nothing is lost."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from tests.e2e.arcade import Arcade
from tests.e2e.conftest import MAX_BODY
from tests.e2e.gateway import Gateway
from tests.e2e.stack import Stack
from tests.e2e.user import User

pytestmark = pytest.mark.e2e

MEGABYTE = 2**20
BLOCK = bytes(range(256)) * 256
BLOCKS = 64 * MEGABYTE // len(BLOCK)


async def test_big_bodies_arrive_whole(arcade: Arcade) -> None:
    """64 MB up and 64 MB down, by length and in chunks, two users at once."""
    game = await arcade.open()
    whole = hashlib.sha256()
    for _ in range(BLOCKS):
        whole.update(BLOCK)
    await asyncio.gather(
        uploads(arcade.user("alice", game), whole.hexdigest()),
        downloads(arcade.user("bob", game), whole.hexdigest()),
    )


async def uploads(user: User, digest: str) -> None:
    """The pod counts and hashes what it gets."""
    size = BLOCKS * len(BLOCK)
    for headers in ({}, {"Content-Length": str(size)}):
        answer = await user.post("/upload", data=blocks(), headers=headers)
        assert (answer.status, answer.json["bytes"]) == (200, size)
        assert answer.json["sha256"] == digest


async def downloads(user: User, digest: str) -> None:
    """We count and hash what the pod sends."""
    for query in ("", "&chunked=1"):
        path, received, found = f"/download?bytes={BLOCKS * len(BLOCK)}{query}", 0, hashlib.sha256()
        async with user.stream("GET", path) as response:
            assert response.status == 200
            assert ("Content-Length" in response.headers) == (not query)
            async for chunk in response.content.iter_any():
                received += len(chunk)
                found.update(chunk)
        assert (received, found.hexdigest()) == (BLOCKS * len(BLOCK), digest)


async def blocks() -> AsyncIterator[bytes]:
    """The big body."""
    for _ in range(BLOCKS):
        yield BLOCK


async def test_a_body_comes_back_while_it_is_still_on_its_way(arcade: Arcade) -> None:
    """The second part is sent only when the first one is back: neither direction waits for the
    end of the other."""
    user = arcade.user("alice", await arcade.open())
    assert (await user.get()).status == 200
    heard = asyncio.Event()

    async def speak() -> AsyncIterator[bytes]:
        yield b"Is there anybody?"
        await heard.wait()
        yield b"Goodbye!"

    async with user.stream("POST", "/echo", data=speak(), headers={"Content-Length": "25"}) as back:
        assert await back.content.readexactly(17) == b"Is there anybody?"
        heard.set()
        assert await back.content.readexactly(8) == b"Goodbye!"
        assert await back.content.read() == b""


async def test_events_arrive_when_they_happen(stack: Stack, gateway: Gateway) -> None:
    """Server-sent events of the fortune-game's live service, while its agent is talked to."""
    user = User(gateway, "listener", "fortune-game", stack.token("listener"), "fortune")
    await user.post("/session/close")
    async with user.stream("GET", "/live/events") as response:
        assert (response.status, response.content_type) == (200, "text/event-stream")
        # The demo leaves the Game with a pod that waits.
        assert response.headers["X-Game-Start"] in ("cold", "warm")
        hello = await event(response, "hello")
        assert (hello["user"], hello["messages"]) == ("listener", 0)
        for number in (1, 2, 3):
            said = await user.post("/chat", json={"message": f"Message {number}"})
            told = await event(response, "message")
            assert told["number"] == number
            assert told["reply"] == said.json["reply"]
        await event(response, "tick")
    assert (await user.post("/session/close")).json["closed"]


async def event(response: aiohttp.ClientResponse, name: str) -> dict[str, Any]:
    """The data of the next event of that name; the stream never ends by itself."""
    async with asyncio.timeout(30):
        while await response.content.readline() != f"event: {name}\n".encode():
            pass
        line = await response.content.readline()
    data: dict[str, Any] = json.loads(line.removeprefix(b"data: "))
    return data


async def test_a_body_over_the_limit_is_refused(arcade: Arcade, hasty: Gateway) -> None:
    """At once where its length is said, and at the limit where it is not; one that just fits
    passes."""
    user = arcade.user("alice", await arcade.open(), hasty)
    first = await user.get_patiently()
    fits = await user.post("/upload", data=bytes(MAX_BODY))
    assert (fits.status, fits.json["bytes"]) == (200, MAX_BODY)
    for body in (bytes(MAX_BODY + 1), chunks(MAX_BODY + 1)):
        over = await user.post("/upload", data=body)
        assert (over.status, over.code) == (413, "payload_too_large")
    assert (await user.get()).pod == first.pod


async def test_the_limit_of_a_gateway_in_earnest_is_a_hundred_megabytes(arcade: Arcade) -> None:
    """Who asks whether to send more is told not to, before a session is made for it."""
    user = arcade.user("alice", await arcade.open())
    headers = {"Content-Length": str(100 * MEGABYTE + 1)}
    answer = await user.post("/upload", data=unsendable(), headers=headers, expect100=True)
    assert (answer.status, answer.code) == (413, "payload_too_large")
    assert arcade.session_of(user) not in arcade.ground.sessions


async def unsendable() -> AsyncIterator[bytes]:
    """A body that nobody may ask for."""
    raise AssertionError("the body was asked for")
    yield b""


async def chunks(size: int) -> AsyncIterator[bytes]:
    """A body whose length is not known before its end."""
    while size:
        block = BLOCK[:size]
        size -= len(block)
        yield block
