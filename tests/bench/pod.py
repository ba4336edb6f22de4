"""The pod of benches without a cluster: a service that does as little as possible."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from aiohttp import web

from tests.handlers.gateway.pods import PORT, HttpPod

IP = "127.250.0.1"
ROUTE = "/api/chess"
FORTUNE = f"{ROUTE}/fortune"
BODY = b'{"fortune": "a pleasant surprise is waiting for you"}'


class PodElsewhere(HttpPod):
    """A pod in another process, which listens already."""

    async def listen(self, port: int = PORT) -> None:
        """It does."""


async def answer(request: web.BaseRequest) -> web.StreamResponse:
    """What the pod's service says."""
    return web.Response(body=BODY, content_type="application/json")


async def be_pod(ready: Callable[[int], None], stop: asyncio.Event) -> None:
    """A pod, until told to stop."""
    pod = HttpPod(answer, IP)
    pod.keeps_requests = False
    await pod.listen()
    ready(PORT)
    await stop.wait()
    await pod.stop()
