"""Streams of benches: frames and events are read whole, and what is wrong is told."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

import pytest
from aiohttp import web
from aiohttp.test_utils import RawTestServer

from tests.bench.event_streams import Listener
from tests.bench.idle_websockets import PING, Pinged
from tests.bench.messages import SIZES, Echoed
from tests.bench.pod import ECHO, EVENTS, answer
from tests.bench.stream import WEBSOCKET, Stream, check, open_all
from tests.eventually import eventually

Handler = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]


@pytest.mark.parametrize("size", SIZES.values())
async def test_a_message_that_came_back_is_counted_and_said_again(size: int) -> None:
    async with RawTestServer(answer) as server:
        [socket] = await open_all(
            lambda: Echoed(ECHO, WEBSOCKET, size), 1, "127.0.0.1", server.port or 0
        )
        socket.begin()

        async def twice() -> bool:
            check([socket])
            return socket.count >= 2

        await eventually(twice)
        socket.close()


async def test_a_message_that_came_back_as_another_one_is_no_measurement() -> None:
    socket = Echoed(ECHO, WEBSOCKET, 3)
    socket.take(b"\x82\x03abc")
    with pytest.raises(OSError, match="another one"):
        check([socket])


async def test_events_are_timed_however_they_are_cut() -> None:
    listener, sent = Listener(EVENTS), time.monotonic() - 1
    said = b"14\r\ndata: %.6f\n\n\r\n" % sent * 2
    for at in range(len(said)):
        listener.take(said[at : at + 1])
    assert len(listener.late) == 2
    assert all(each >= 1 for each in listener.late)


async def test_the_pod_sends_events_with_their_time() -> None:
    async with RawTestServer(answer) as server:
        [listener] = await open_all(
            lambda: Listener(f"{EVENTS}?after=0"), 1, "127.0.0.1", server.port or 0
        )

        async def heard() -> bool:
            return bool(listener.late)

        await eventually(heard)
        assert listener.late[0] >= 0
        listener.close()


async def test_pings_are_counted_and_nothing_else_is_taken() -> None:
    socket = Pinged(ECHO, WEBSOCKET)
    socket.take(PING * 3)
    assert socket.pings == 3
    check([socket])
    socket.take(PING + b"\x82\x01x")
    with pytest.raises(OSError, match="not a ping"):
        check([socket])


@pytest.mark.parametrize("ending", ["status", "hangs up"])
async def test_a_stream_that_does_not_open_ends_the_measurement(ending: str) -> None:
    async def refuse(request: web.BaseRequest) -> web.StreamResponse:
        if ending == "hangs up":
            assert request.transport is not None
            request.transport.close()
        return web.Response(status=503)

    async with RawTestServer(refuse) as server:
        with pytest.raises(OSError, match=r"not the answer|ended"):
            await asyncio.wait_for(
                open_all(lambda: Stream("/", {}), 2, "127.0.0.1", server.port or 0), 10
            )
