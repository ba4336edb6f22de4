"""The least that a warm start can cost: its three writes, by a client that does nothing else."""

from __future__ import annotations

import asyncio
import time

from gamesession.kube.resources import PODS, SESSIONS
from gamesession.plan.claim import claim_patch
from gamesession.plan.pod import Pod
from gamesession.plan.session import Session
from tests.bench.bare import JSON, Bare, Object
from tests.bench.pool import filled
from tests.bench.users import Users


class Floor:
    """Creates a session, claims a pod for it by the patch of DESIGN 3, and writes its status: one
    after another, each as soon as the one before is answered.

    Args:
        users: who creates sessions, in a namespace that no operator serves.
    """

    def __init__(self, bare: Bare, users: Users) -> None:
        self._bare = bare
        self._users = users
        self._pods: list[Object] = []
        self._used: list[Object] = []
        self._status: Object = {}

    async def prepare(self, count: int, pod: Object, status: Object) -> None:
        """Have pods that wait.

        Args:
            pod: one of the operator's, that waits for a user.
            status: what the operator wrote of a warm start.
        """
        self._status = status
        spec = {name: value for name, value in pod["spec"].items() if name != "nodeName"}
        body = {"metadata": self._metadata(pod["metadata"]), "spec": spec}
        namespace = self._users.namespace
        await asyncio.gather(*(self._bare.create(PODS, namespace, body) for _ in range(count)))
        self._pods = await filled(self._bare, namespace, count)

    async def start(self) -> float:
        """Seconds that the three writes take.

        Raises:
            IndexError: no pod is left; `restore` them.
        """
        pod = self._pods.pop()
        self._used.append(pod)
        read, namespace = Pod.from_object(pod), self._users.namespace
        named = {"podName": read.name, "podUID": read.uid, "podIP": read.ip}
        body = self._users.next_session()
        began = time.perf_counter()
        made = await self._bare.create(SESSIONS, namespace, body)
        claim = claim_patch(read, read.owner_uid, Session.from_object(made))
        await self._bare.patch(PODS.path(namespace, read.name), claim, JSON)
        version = {"resourceVersion": made["metadata"]["resourceVersion"]}
        status = {"metadata": version, "status": self._status | named}
        path = SESSIONS.path(namespace, made["metadata"]["name"], "status")
        await self._bare.patch(path, status)
        return time.perf_counter() - began

    async def restore(self) -> None:
        """All pods wait again, and no session is left."""
        await asyncio.gather(*map(self._return, self._used))
        self._pods += self._used
        self._used = []
        await self._users.clear()

    async def _return(self, pod: Object) -> None:
        meta = pod["metadata"]
        operations = [
            {"op": "replace", "path": f"/metadata/{field}", "value": meta[field]}
            for field in ("labels", "annotations", "ownerReferences")
            if field in meta
        ]
        await self._bare.patch(PODS.path(self._users.namespace, meta["name"]), operations, JSON)

    def _metadata(self, meta: Object) -> Object:
        owners = [
            owner | {"uid": self._users.game["metadata"]["uid"]}
            for owner in meta["ownerReferences"]
        ]
        return {
            "generateName": "waiting-",
            "labels": meta["labels"],
            "annotations": meta.get("annotations", {}),
            "ownerReferences": owners,
        }
