"""`spec.session.streamActivity`: what of a stream or a long request keeps a session.

Timeouts are short, so that intervals pass while a test waits for what they lead to. Of what is not
to be written, the measure is what another session writes in the same time.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest
from aiohttp import WSMsgType, web

from tests.eventually import eventually
from tests.handlers.gateway.pods import HttpPod
from tests.handlers.gateway.stage import Stage, bearer

Handler = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    """A stage with the games `Open` and `Traffic`, whose activity is written once a second."""
    async with Stage(websocket_ping=timedelta(seconds=0.1)) as found:
        for name in ("Open", "Traffic"):
            session = {"idleTimeout": "10s", "streamActivity": name}
            await found.add_game(name.lower(), session=session)
        yield found


def writes(stage: Stage, game: str) -> int:
    """How often activity was written of alice's session of a game."""
    return sum(
        (write.verb, write.resource, write.name) == ("patch", "gamesessions/status", game)
        for write in stage.api.writes
    )


async def until_written(stage: Stage, game: str, times: int) -> None:
    async def written() -> bool:
        return writes(stage, game) >= times

    await eventually(written, deadline=30)


@asynccontextmanager
async def both(
    stage: Stage, handler: Handler, use: Callable[[str], Awaitable[object]]
) -> AsyncIterator[None]:
    """Alice uses both games, whose pods do the same."""
    for game in ("open", "traffic"):
        await stage.add_session(game=game, name=game, pod=HttpPod(handler))
    tasks = [asyncio.ensure_future(use(game)) for game in ("open", "traffic")]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def test_that_a_request_is_open_is_no_traffic(stage: Stage) -> None:
    async def think(request: web.BaseRequest) -> web.StreamResponse:
        await asyncio.Event().wait()
        return web.Response()

    async def ask(game: str) -> None:
        async with stage.get(f"/api/{game}/"):
            pass

    async with both(stage, think, ask):
        await until_written(stage, "open", 3)
        assert writes(stage, "traffic") <= 1, "that it was asked is written, and no more"


async def test_what_a_stream_says_is(stage: Stage) -> None:
    async def tell(request: web.BaseRequest) -> web.StreamResponse:
        out = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await out.prepare(request)
        while True:
            await out.write(b"data: tick\n\n")
            await asyncio.sleep(0.1)

    async def listen(game: str) -> None:
        async with stage.get(f"/api/{game}/") as answer:
            async for _ in answer.content.iter_any():
                pass

    async with both(stage, tell, listen):
        await until_written(stage, "traffic", 3)


async def test_what_is_uploaded_is(stage: Stage) -> None:
    async def take(request: web.BaseRequest) -> web.StreamResponse:
        async for _ in request.content.iter_any():
            pass
        return web.Response()

    async def drip() -> AsyncIterator[bytes]:
        while True:
            yield b"drop"
            await asyncio.sleep(0.1)

    async def upload(game: str) -> None:
        async with stage.post(f"/api/{game}/", data=drip()):
            pass

    async with both(stage, take, upload):
        await until_written(stage, "traffic", 3)


async def test_pings_of_a_websocket_are_not(stage: Stage) -> None:
    async with both(stage, echo, connect(stage, says=None)):
        await until_written(stage, "open", 3)
        assert writes(stage, "traffic") <= 1


async def test_its_messages_are(stage: Stage) -> None:
    async with both(stage, echo, connect(stage, says="tick")):
        await until_written(stage, "traffic", 3)


async def echo(request: web.BaseRequest) -> web.StreamResponse:
    socket = web.WebSocketResponse()
    await socket.prepare(request)
    async for message in socket:
        if message.type is WSMsgType.TEXT:
            await socket.send_str(message.data)
    return socket


def connect(stage: Stage, says: str | None) -> Callable[[str], Awaitable[object]]:
    async def play(game: str) -> None:
        async with stage.http.ws_connect(f"/api/{game}/", headers=bearer()) as socket:
            while True:
                if says:
                    await socket.send_str(says)
                    await socket.receive_str()
                    await asyncio.sleep(0.1)
                else:
                    await socket.receive()

    return play
