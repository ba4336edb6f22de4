"""Pods that answer for real, each on a loopback address of its own."""

from __future__ import annotations

import asyncio
import itertools
import random
from collections.abc import Awaitable, Callable
from typing import Any

from aiohttp import web

from gamesession.kube.cluster import Object

PORT = 18000
"""The same for all, as it is for the pods of one game."""

Handler = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]


def new_address() -> str:
    """A loopback address that nobody uses, not even another run of these tests."""
    return f"127.{random.randint(1, 249)}.{random.randint(0, 255)}.{random.randint(1, 254)}"


class HttpPod:
    """A pod whose service is a handler.

    Attributes:
        requests: what it was sent, as (method, path with query, headers).
    """

    def __init__(self, handler: Handler | None = None, ip: str | None = None) -> None:
        self.ip = ip or new_address()
        self.handler = handler or self.tell
        self.requests: list[web.BaseRequest] = []
        self.bodies: list[bytes] = []
        self.connections = 0
        self.keeps_requests = True
        self._runner: web.ServerRunner | None = None

    async def listen(self, port: int = PORT) -> None:
        """Take connections."""
        server = web.Server(self._handle, access_log=None, auto_decompress=False)
        made = server.connection_made

        def connected(*of: Any) -> None:
            self.connections += 1
            made(*of)

        server.connection_made = connected  # type: ignore[assignment,method-assign]
        self._runner = web.ServerRunner(server, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, self.ip, port).start()

    async def stop(self) -> None:
        """Break all connections and take no more."""
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    async def tell(self, request: web.BaseRequest) -> web.StreamResponse:
        """Say who is asked, and what was asked."""
        self.bodies.append(b"".join([chunk async for chunk in request.content.iter_any()]))
        return web.json_response({"pod": self.ip, "path": request.raw_path})

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        if self.keeps_requests:
            self.requests.append(request)
        return await self.handler(request)


class RawPod:
    """A pod that speaks no HTTP of its own: it gets a connection and does what a test wants."""

    def __init__(
        self, speak: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
    ) -> None:
        self.ip = new_address()
        self._speak = speak
        self._server: asyncio.Server | None = None

    async def listen(self, port: int = PORT) -> None:
        """Take connections."""
        self._server = await asyncio.start_server(self._speak, self.ip, port)

    async def stop(self) -> None:
        """Take no more connections."""
        if self._server is not None:
            self._server.close()


AnyPod = HttpPod | RawPod

_numbers = itertools.count(1)


def pod_object(name: str, ip: str, **status: Any) -> Object:
    """A session's pod as the API server has it."""
    return {
        "metadata": {
            "name": name,
            "uid": f"pod-uid-{next(_numbers)}",
            "labels": {"gamelibrary.io/role": "session"},
        },
        "spec": {"containers": [{"name": "game", "ports": [{"containerPort": PORT}]}]},
        "status": {"phase": "Running", **({"podIP": ip} if ip else {}), **status},
    }
