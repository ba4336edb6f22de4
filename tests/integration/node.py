"""A node whose pods answer: all of a pod is real but its container.

The test plays kubelet for pods by hand (`tests/integration/kubelet.py`): each gets an HTTP server
on a loopback address of its own, which is its `podIP`; addresses are used again, the one that has
been free for longest first, as a CNI does. The server ends when the pod does.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from typing import Self
from urllib.parse import unquote

from aiohttp import web

from gamesession.api.identity import POD_HEADER, SESSION_HEADER, USER_HEADER
from gamesession.kube.cluster import Cluster, Object
from gamesession.kube.errors import Gone
from tests.handlers.gateway.pods import HttpPod
from tests.integration.bodies import SERVICES
from tests.integration.kubelet import Kubelet
from tests.integration.playground import Playground

PORT = int(SERVICES[0]["port"])


class Resident(HttpPod):
    """A pod that says who it is and whom it was told to serve, and does not ask any further.

    Attributes:
        users: everyone whose requests came here.
    """

    def __init__(self, uid: str, ip: str) -> None:
        super().__init__(self._answer, ip)
        self.keeps_requests = False
        self.uid = uid
        self.users: set[str] = set()

    async def _answer(self, request: web.BaseRequest) -> web.StreamResponse:
        await request.read()
        user = unquote(request.headers[USER_HEADER])
        self.users.add(user)
        if request.headers.get("Upgrade"):
            return await _echo(request)
        return web.json_response(
            {
                "pod": self.uid,
                "told_pod": request.headers[POD_HEADER],
                "session": unquote(request.headers[SESSION_HEADER]),
                "user": user,
            }
        )


async def _echo(request: web.BaseRequest) -> web.StreamResponse:
    socket = web.WebSocketResponse()
    await socket.prepare(request)
    async for message in socket:
        await socket.send_str(message.data)
    return socket


class Node:
    """Runs all pods by hand of a namespace while it is entered.

    Attributes:
        pods: every pod that ever ran here, by uid.
    """

    def __init__(self, playground: Playground, cluster: Cluster) -> None:
        self._playground = playground
        self._kubelet = Kubelet(cluster, playground.namespace)
        self._free = deque(f"127.3.{n // 250}.{n % 250 + 1}" for n in range(300))
        self._living: dict[str, asyncio.Task[None]] = {}
        self.pods: dict[str, Resident] = {}

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._run())
        return self

    async def __aexit__(self, *_: object) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        for task in self._living.values():
            task.cancel()
        await asyncio.gather(*self._living.values(), return_exceptions=True)

    async def _run(self) -> None:
        """Follow the pods that there are."""
        while True:
            news = await self._playground.until(self._news, deadline=3600)
            for pod in news:
                uid = pod["metadata"]["uid"]
                self._living[uid] = asyncio.create_task(self._live(pod))

    def _news(self) -> list[Object] | None:
        there = {pod["metadata"]["uid"]: pod for pod in self._playground.pods.values()}
        for uid in self._living.keys() - there.keys():
            self._living.pop(uid).cancel()
        return [pod for uid, pod in there.items() if uid not in self._living] or None

    async def _live(self, found: Object) -> None:
        """The life of one pod, until cancelled."""
        ip = self._free.popleft()
        resident = self.pods[found["metadata"]["uid"]] = Resident(found["metadata"]["uid"], ip)
        try:
            await resident.listen(PORT)
            with contextlib.suppress(Gone):
                await self._kubelet.serve(found["metadata"]["name"], ip)
            await asyncio.Event().wait()
        finally:
            await resident.stop()
            self._free.append(ip)
