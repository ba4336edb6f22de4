"""A proxy that does nothing but pass on: what the gateway is compared with.

It is made of the same parts as the gateway (aiohttp's server and client on uvloop) and set like it,
but knows no users, games, sessions or limits, and always goes to one and the same pod.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress

import aiohttp
from aiohttp import hdrs, web
from multidict import CIMultiDict
from yarl import URL

from gamesession.gateway.upstream import READ_BUFFER
from tests.bench.pod import IP
from tests.bench.stream import allow_files
from tests.handlers.gateway.pods import PORT

Socket = web.WebSocketResponse | aiohttp.ClientWebSocketResponse

# Of the connection, not of the message: without this much, answers are broken.
NOT_PASSED_ON = (hdrs.CONNECTION, hdrs.TRANSFER_ENCODING)


class BareProxy:
    """Passes requests on to the pod, and its answers back, both as they come."""

    def __init__(self, http: aiohttp.ClientSession) -> None:
        self._http = http

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer a request."""
        if request.headers.get(hdrs.UPGRADE) == "websocket":
            return await self._connect(request)
        async with self._http.request(
            request.method,
            URL(f"http://{IP}:{PORT}{request.raw_path}", encoded=True),
            headers=without(request.headers),
            data=request.content if request.body_exists else None,
            allow_redirects=False,
        ) as answer:
            out = web.StreamResponse(status=answer.status, headers=without(answer.headers))
            await out.prepare(request)
            async for chunk in answer.content.iter_any():
                await out.write(chunk)
            await out.write_eof()
            return out

    async def _connect(self, request: web.BaseRequest) -> web.WebSocketResponse:
        async with self._http.ws_connect(f"http://{IP}:{PORT}{request.raw_path}") as pod:
            client = web.WebSocketResponse(compress=False)
            await client.prepare(request)
            onward = asyncio.create_task(pass_on(client, pod))
            await pass_on(pod, client)
            onward.cancel()
            return client


async def pass_on(source: Socket, sink: Socket) -> None:
    """Every message of one side to the other."""
    with suppress(ConnectionError):  # whoever measures leaves in the midst
        async for message in source:
            await sink.send_bytes(message.data)


def without(headers: aiohttp.typedefs.LooseHeaders) -> CIMultiDict[str]:
    """The headers that are passed on."""
    passed = CIMultiDict(headers)
    for name in NOT_PASSED_ON:
        passed.popall(name, None)
    return passed


async def be_bare_proxy(
    ready: Callable[[int], None], stop: asyncio.Event, *, files: int = 0
) -> None:
    """A bare proxy, until told to stop.

    Args:
        files: how many connections it is to have.
    """
    allow_files(files)
    async with aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0),
        cookie_jar=aiohttp.DummyCookieJar(),
        auto_decompress=False,
        timeout=aiohttp.ClientTimeout(total=None),
        read_bufsize=READ_BUFFER,
    ) as http:
        server = web.Server(
            BareProxy(http).handle,
            access_log=None,
            auto_decompress=False,
            read_bufsize=READ_BUFFER,
        )
        runner = web.ServerRunner(server, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0, backlog=1024).start()
        ready(runner.addresses[0][1])
        await stop.wait()
        await runner.cleanup()
