"""Nodes whose kubelet is the test: the scheduler assigns pods to them, and their pods answer.

A pod gets an HTTP server on a loopback address of its own (`tests/integration/node.py`). Deleted,
be it by an eviction, it serves on for a moment, as a container does that was sent SIGTERM; then it
is gone. A kubelet that cannot reach the API server tries until it can.
"""

from __future__ import annotations

import asyncio
import random
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import UTC, datetime
from typing import Final, Self

from gamesession.api.instant import format_instant
from gamesession.api.labels import ROLE_LABEL
from gamesession.kube.cluster import Cluster, Object
from gamesession.kube.errors import ApiError, Gone, Unreachable
from gamesession.kube.resources import PODS, Resource
from tests.integration.follower import Change
from tests.integration.kubelet import Kubelet
from tests.integration.node import PORT, Resident
from tests.integration.upheaval.witness import Witness

NODES: Final = Resource("", "v1", "nodes", "Node")
ROOM: Final = {"cpu": "1000", "memory": "4000Gi", "ephemeral-storage": "4000Gi", "pods": "2000"}
BEAT_SECONDS: Final = 10.0
"""A node that has not been heard of for 50 s is taken for dead."""
START_SECONDS: Final = (0.2, 0.8)
END_SECONDS: Final = 0.3
RETRY_SECONDS: Final = 0.2


class Machines:
    """Nodes and the pods on them, while it is entered.

    Args:
        names: of the nodes. They are made.

    Attributes:
        residents: every pod that ever ran here, by uid.
        running: the uids of those that run.
    """

    def __init__(self, cluster: Cluster, namespace: str, *names: str) -> None:
        self._cluster = cluster
        self._namespace = namespace
        self._names = names
        self._kubelet = Kubelet(cluster, namespace)
        # Another run on this machine has other ones; below 128 are kwok's and other tests'.
        block = random.randint(128, 249)
        self._free = deque(f"127.{block}.{n // 250}.{n % 250 + 1}" for n in range(1000))
        self._pods = Witness(cluster, PODS, namespace, self._see, selector=ROLE_LABEL)
        self._leaving: dict[str, asyncio.Event] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self.residents: dict[str, Resident] = {}
        self.running: set[str] = set()

    async def __aenter__(self) -> Self:
        for name in self._names:
            await self._cluster.create(NODES, None, _node(name))
            await self._beat(name)
            self._begin(self._live_on(name))
        await self._pods.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._pods.stop()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    @property
    def pods(self) -> dict[str, Object]:
        """The pods that there are, by name."""
        return self._pods.objects

    def _begin(self, work: Awaitable[None]) -> None:
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _live_on(self, node: str) -> None:
        while True:
            await asyncio.sleep(BEAT_SECONDS)
            await _until_done(lambda: self._beat(node))

    async def _beat(self, node: str) -> None:
        now = format_instant(datetime.now(UTC).replace(microsecond=0))
        ready = {
            "type": "Ready",
            "status": "True",
            "reason": "KubeletReady",
            "lastHeartbeatTime": now,
            "lastTransitionTime": now,
        }
        status = {"conditions": [ready], "capacity": ROOM, "allocatable": ROOM}
        # The helper for namespaced objects puts no namespace into the path of one without.
        await self._cluster.merge_patch(NODES, "", node, {"status": status}, subresource="status")

    def _see(self, change: Change) -> None:
        uid = change.object["metadata"]["uid"]
        if change.kind == "DELETED" or "deletionTimestamp" in change.object["metadata"]:
            if uid in self._leaving:
                self._leaving[uid].set()
            elif change.kind != "DELETED" and change.object["spec"].get("nodeName"):
                self._begin(_until_done(lambda: self._remove(change.object)))
        elif uid not in self._leaving and change.object["spec"].get("nodeName") in self._names:
            self._leaving[uid] = asyncio.Event()
            self._begin(self._live(change.object))

    async def _live(self, pod: Object) -> None:
        """The life of one pod."""
        name, uid, ip = pod["metadata"]["name"], pod["metadata"]["uid"], self._free.popleft()
        resident = self.residents[uid] = Resident(uid, ip)
        self.running.add(uid)
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(random.uniform(*START_SECONDS)):
                    await self._leaving[uid].wait()
            if not self._leaving[uid].is_set():
                await resident.listen(PORT)
                await _until_done(lambda: self._kubelet.serve(name, ip))
                await self._leaving[uid].wait()
                await asyncio.sleep(END_SECONDS)
        finally:
            await resident.stop()
            self.running.discard(uid)
            self._free.append(ip)
        await _until_done(lambda: self._remove(pod))

    async def _remove(self, pod: Object) -> None:
        """Its containers are gone, says the kubelet."""
        name, uid = pod["metadata"]["name"], pod["metadata"]["uid"]
        await self._cluster.delete(PODS, self._namespace, name, uid=uid, grace_period_seconds=0)


async def _until_done(write: Callable[[], Awaitable[object]]) -> None:
    """Write, however long the API server is away; what the write is about may be gone."""
    while True:
        try:
            await write()
            return
        except Gone:
            return
        except (ApiError, Unreachable):
            await asyncio.sleep(RETRY_SECONDS)


def _node(name: str) -> Object:
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": name, "labels": {"kubernetes.io/hostname": name}},
    }
