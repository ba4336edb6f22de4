"""The pod of benches without a cluster: a service that does as little as possible."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress

from aiohttp import web

from tests.bench.stream import allow_files
from tests.handlers.gateway.pods import PORT, HttpPod

IP = "127.250.0.1"
ROUTE = "/api/chess"
FORTUNE = f"{ROUTE}/fortune"
ECHO = f"{ROUTE}/echo"
EVENTS = f"{ROUTE}/events"
BULK = f"{ROUTE}/bulk"
CHUNK = bytes(2**18)
BODY = b'{"fortune": "a pleasant surprise is waiting for you"}'


class PodElsewhere(HttpPod):
    """A pod in another process, which listens already."""

    async def listen(self, port: int = PORT) -> None:
        """It does."""


async def answer(request: web.BaseRequest) -> web.StreamResponse:
    """What the pod's service says."""
    if request.path == ECHO:
        return await echo(request)
    if request.path == EVENTS:
        return await tell_time(request)
    if request.path == BULK:
        return await (count(request) if request.body_exists else send_much(request))
    return web.Response(body=BODY, content_type="application/json")


async def echo(request: web.BaseRequest) -> web.WebSocketResponse:
    """A WebSocket that says what it hears."""
    socket = web.WebSocketResponse(compress=False)
    await socket.prepare(request)
    with suppress(ConnectionError):  # whoever measures leaves in the midst
        async for message in socket:
            await socket.send_bytes(message.data)
    return socket


async def tell_time(request: web.BaseRequest) -> web.StreamResponse:
    """An event every second, for ever: the time at which it is sent, in seconds of the clock that
    `time.monotonic` reads in all processes. The first comes `after` so many seconds."""
    out = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
    await out.prepare(request)
    loop = asyncio.get_running_loop()
    due = loop.time() + float(request.query["after"])
    with suppress(ConnectionError):  # as above
        while True:
            await asyncio.sleep(max(0.0, due - loop.time()))
            await out.write(b"data: %.6f\n\n" % time.monotonic())
            due += 1.0
    return out


async def count(request: web.BaseRequest) -> web.StreamResponse:
    """How many bytes were sent."""
    size = 0
    async for chunk in request.content.iter_any():
        size += len(chunk)
    return web.Response(text=str(size))


async def send_much(request: web.BaseRequest) -> web.StreamResponse:
    """As many bytes as are asked for."""
    left = int(request.query["size"])
    out = web.StreamResponse(headers={"Content-Length": str(left)})
    await out.prepare(request)
    while left:
        chunk = CHUNK[:left]
        await out.write(chunk)
        left -= len(chunk)
    return out


async def be_pod(ready: Callable[[int], None], stop: asyncio.Event, *, files: int = 0) -> None:
    """A pod, until told to stop.

    Args:
        files: how many connections it is to have.
    """
    allow_files(files)
    pod = HttpPod(answer, IP)
    pod.keeps_requests = False
    await pod.listen()
    ready(PORT)
    await stop.wait()
    await pod.stop()
