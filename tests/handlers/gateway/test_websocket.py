"""WebSockets through the gateway: what goes through, and how they end."""

from __future__ import annotations

import asyncio
import base64
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
import pytest
from aiohttp import WSMsgType, web

from gamesession.api.instant import format_instant
from gamesession.gateway import websockets
from tests.eventually import eventually
from tests.handlers.gateway.pods import HttpPod, RawPod
from tests.handlers.gateway.stage import Stage, bearer, token

PATH = "/api/chess/play"
LARGE = 3 * 2**20

Play = Callable[[web.WebSocketResponse], Awaitable[None]]


def pod_that(play: Play, **options: Any) -> HttpPod:
    """A pod whose service plays over a WebSocket."""

    async def serve(request: web.BaseRequest) -> web.StreamResponse:
        socket = web.WebSocketResponse(**{"max_msg_size": 0, "autoping": False} | options)
        await socket.prepare(request)
        await play(socket)
        return socket

    return HttpPod(serve)


async def echo(socket: web.WebSocketResponse) -> None:
    async for message in socket:
        match message.type:
            case WSMsgType.TEXT:
                await socket.send_str(message.data)
            case WSMsgType.BINARY:
                await socket.send_bytes(message.data)
            case WSMsgType.PING:
                await socket.pong(message.data)


async def say_nothing(socket: web.WebSocketResponse) -> None:
    await socket.receive()


@asynccontextmanager
async def connected(
    stage: Stage, path: str = PATH, **options: Any
) -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
    given: dict[str, Any] = {"headers": bearer(), "max_msg_size": 0} | options
    async with stage.http.ws_connect(path, **given) as socket:
        yield socket


async def end_of(socket: aiohttp.ClientWebSocketResponse) -> tuple[int | None, str]:
    """Code and words of the Close that comes next."""
    message = await socket.receive(timeout=30)
    assert message.type is WSMsgType.CLOSE, message
    return message.data, message.extra or ""


async def none_is_open(stage: Stage) -> None:
    async def gone() -> bool:
        return len(stage.service.websockets) == 0

    await eventually(gone)


# What goes through ------------------------------------------------------------------------------


async def test_text_and_bytes_of_any_size_go_both_ways(stage: Stage) -> None:
    await stage.add_session(pod=pod_that(echo))
    async with connected(stage) as socket:
        await socket.send_str("grüß dich")
        assert await socket.receive_str() == "grüß dich"
        for data in (b"", b"x" * LARGE):
            await socket.send_bytes(data)
            assert await socket.receive_bytes() == data
    await none_is_open(stage)


async def test_the_first_connection_starts_the_session(stage: Stage) -> None:
    stage.pod_for = lambda session: pod_that(echo)
    async with connected(stage) as socket:
        await socket.send_str("Hello?")
        assert await socket.receive_str() == "Hello?"
        headers = socket._response.headers
        assert headers["X-Game-Start"] == "cold"
        assert headers["X-Game-Session"].startswith("alice_chess_")


async def test_the_pod_is_told_whom_it_serves_and_sees_the_handshake(stage: Stage) -> None:
    pod = pod_that(echo, protocols=["chess.v2"])
    await stage.add_session(pod=pod)
    headers = {**bearer(), "X-Game-User": "mallory", "Origin": "https://play.example"}
    async with connected(stage, headers=headers, protocols=["chess.v1", "chess.v2"]) as socket:
        assert socket.protocol == "chess.v2"
    [request] = pod.requests
    assert request.headers["X-Game-User"] == "alice"
    assert request.headers["Origin"] == "https://play.example"
    assert request.headers["Sec-WebSocket-Protocol"] == "chess.v1,chess.v2"


async def test_compression_is_between_client_and_pod(stage: Stage) -> None:
    await stage.add_session(pod=pod_that(echo))
    async with connected(stage, compress=15) as socket:
        assert socket.compress
        await socket.send_str("again and " * 10_000)
        assert await socket.receive_str() == "again and " * 10_000


async def test_pings_of_the_client_are_answered_by_the_pod(stage: Stage) -> None:
    await stage.add_session(pod=pod_that(echo))
    async with connected(stage, autoping=False) as socket:
        await socket.ping(b"are you there?")
        message = await socket.receive(timeout=30)
        assert (message.type, message.data) == (WSMsgType.PONG, b"are you there?")


async def test_the_clients_close_reaches_the_pod(stage: Stage) -> None:
    seen: asyncio.Future[tuple[Any, Any]] = asyncio.get_running_loop().create_future()

    async def listen(socket: web.WebSocketResponse) -> None:
        message = await socket.receive()
        seen.set_result((message.data, message.extra))

    await stage.add_session(pod=pod_that(listen))
    async with connected(stage) as socket:
        await socket.close(code=4000, message=b"enough")
        assert socket.close_code == 1000, "as aiohttp answers one"
    assert await asyncio.wait_for(seen, 30) == (4000, "enough")
    await none_is_open(stage)


async def test_the_pods_close_reaches_the_client(stage: Stage) -> None:
    async def bye(socket: web.WebSocketResponse) -> None:
        await socket.close(code=4001, message=b"checkmate")

    await stage.add_session(pod=pod_that(bye))
    async with connected(stage) as socket:
        assert await end_of(socket) == (4001, "checkmate")
    await none_is_open(stage)


async def test_an_answer_other_than_101_is_passed_on(stage: Stage) -> None:
    async def refuse(request: web.BaseRequest) -> web.StreamResponse:
        return web.Response(status=403, text="not you")

    await stage.add_session(pod=HttpPod(refuse))
    with pytest.raises(aiohttp.WSServerHandshakeError) as error:
        async with connected(stage):
            pass
    assert error.value.status == 403


async def test_a_client_that_reads_nothing_makes_the_pod_wait(stage: Stage) -> None:
    sent = 0

    async def pour(socket: web.WebSocketResponse) -> None:
        nonlocal sent
        while sent < 2000:
            await socket.send_bytes(b"x" * 2**16)
            sent += 1

    await stage.add_session(pod=pod_that(pour))
    reader, writer = await handshake(stage)
    last = -1

    async def stands_still() -> bool:
        nonlocal last
        before, last = last, sent
        return before == last > 0

    await eventually(stands_still, every=0.3)
    assert sent < 1000, "all of it has gone somewhere"
    while sent < 2000:
        assert await reader.read(2**20)
    writer.close()


# How they end -----------------------------------------------------------------------------------


async def test_with_their_session(stage: Stage) -> None:
    found = await stage.add_session(pod=pod_that(say_nothing))
    async with connected(stage) as socket:
        stage.api.remove("gamesessions", found["metadata"]["name"])
        assert await end_of(socket) == (4410, "The session has ended.")
    await none_is_open(stage)


async def test_at_the_greatest_age_of_their_session(stage: Stage) -> None:
    await stage.add_game("chess", session={"maxLifetime": "1h"})
    old = format_instant(datetime.now(UTC) - timedelta(minutes=59, seconds=59))
    await stage.add_session(pod=pod_that(say_nothing), startedAt=old)
    async with connected(stage) as socket:
        assert await end_of(socket) == (4408, "The session has reached its greatest age.")


async def test_a_while_after_their_token(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    assert websockets.TOKEN_GRACE == 60
    await stage.add_session(pod=pod_that(say_nothing))
    monkeypatch.setattr(websockets, "TOKEN_GRACE", -599.0)
    async with connected(stage, headers=bearer(exp=int(time.time()) + 600)) as socket:
        assert await end_of(socket) == (4401, "The token has expired.")


async def test_with_the_gateway(stage: Stage) -> None:
    await stage.add_session(pod=pod_that(say_nothing))
    async with connected(stage) as socket:
        stopping = asyncio.create_task(stage.service.stop())
        assert await end_of(socket) == (1012, "This gateway is stopping: connect again.")
        await socket.close()
        await asyncio.wait_for(stopping, 30)


async def test_when_the_pod_breaks_off(stage: Stage) -> None:
    async def fall(socket: web.WebSocketResponse) -> None:
        transport = socket._req.transport  # type: ignore[union-attr]
        assert transport is not None
        transport.abort()

    await stage.add_session(pod=pod_that(fall))
    async with connected(stage) as socket:
        code, words = await end_of(socket)
        assert (code, words) == (1014, "The connection to the session's pod has ended.")
    await none_is_open(stage)


async def test_the_pod_hears_that_the_client_is_gone(stage: Stage) -> None:
    gone = asyncio.Event()

    async def listen(socket: web.WebSocketResponse) -> None:
        await socket.receive()
        gone.set()

    await stage.add_session(pod=pod_that(listen))
    _, writer = await handshake(stage)
    writer.transport.abort()
    await asyncio.wait_for(gone.wait(), 30)
    await none_is_open(stage)


async def test_a_client_that_answers_no_pings_is_cut_off() -> None:
    async with Stage(websocket_ping=timedelta(seconds=0.2)) as stage:
        await stage.add_game()
        await stage.add_session(pod=pod_that(say_nothing))
        reader, writer = await handshake(stage)
        heard = await asyncio.wait_for(reader.read(), 30)
        assert heard == b"\x89\x00" * 2, "two pings, then the end"
        writer.close()
        await none_is_open(stage)


async def test_one_that_answers_them_is_not() -> None:
    async with Stage(websocket_ping=timedelta(seconds=0.05)) as stage:
        await stage.add_game()
        await stage.add_session(pod=pod_that(echo))
        pings = 0
        async with connected(stage, autoping=False) as socket:
            while pings < 10:
                message = await socket.receive(timeout=30)
                assert message.type is WSMsgType.PING
                await socket.pong(message.data)
                pings += 1
            await socket.send_str("still here")
            while (message := await socket.receive(timeout=30)).type is not WSMsgType.TEXT:
                pass
            assert message.data == "still here"


async def test_our_frames_never_stand_in_the_midst_of_the_pods(stage: Stage) -> None:
    """The session ends while a frame is under way: it is finished, and Close comes after it."""
    go_on = asyncio.Event()

    async def speak(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        key = await key_of(reader)
        writer.write(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Accept: " + key + b"\r\n\r\n\x82\x04ha"
        )
        await go_on.wait()
        writer.write(b"lf\x82\x03not this")
        await writer.drain()

    found = await stage.add_session(pod=RawPod(speak))
    reader, writer = await handshake(stage)
    assert await reader.readexactly(4) == b"\x82\x04ha"
    stage.api.remove("gamesessions", found["metadata"]["name"])

    async def told() -> bool:
        return stage.service.directory.find("chess", "alice") is None

    await eventually(told)
    go_on.set()
    assert await reader.readexactly(4) == b"lf\x88\x18"
    assert await reader.readexactly(24) == b"\x11\x3aThe session has ended."
    writer.close()


# By hand ----------------------------------------------------------------------------------------


async def handshake(stage: Stage) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """A WebSocket whose bytes are the test's."""
    reader, writer = await asyncio.open_connection("127.0.0.1", stage.service.port)
    key = base64.b64encode(b"0123456789abcdef").decode()
    lines = [
        f"GET {PATH} HTTP/1.1",
        "Host: games.test",
        f"Authorization: Bearer {token()}",
        "Connection: Upgrade",
        "Upgrade: websocket",
        "Sec-WebSocket-Version: 13",
        f"Sec-WebSocket-Key: {key}",
    ]
    writer.write(("\r\n".join(lines) + "\r\n\r\n").encode())
    head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 30)
    assert head.startswith(b"HTTP/1.1 101 "), head
    return reader, writer


async def key_of(reader: asyncio.StreamReader) -> bytes:
    """The key of a handshake; what to make of it is not looked at here."""
    head = await reader.readuntil(b"\r\n\r\n")
    return next(
        line.partition(b": ")[2]
        for line in head.split(b"\r\n")
        if line.lower().startswith(b"sec-websocket-key")
    )
