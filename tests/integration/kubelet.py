"""What a kubelet writes into the status of pods, written by the test.

Pods of a template with `BY_HAND` are assigned to no node: nobody but the test touches their status,
and a deletion removes them at once. On kwok's pods the test may write, too, once they run.
"""

from __future__ import annotations

import contextlib
from datetime import UTC, datetime
from typing import Any, Final

from gamesession.kube.cluster import Cluster, Object
from gamesession.kube.errors import Gone
from gamesession.kube.resources import PODS
from tests.integration.bodies import TEMPLATE
from tests.integration.playground import Playground

BY_HAND: Final[Object] = {"spec": TEMPLATE["spec"] | {"schedulerName": "by-hand"}}


class Kubelet:
    """Writes the status of pods of one namespace."""

    def __init__(self, cluster: Cluster, namespace: str) -> None:
        self._cluster = cluster
        self._namespace = namespace

    async def serve(self, pod: str, ip: str) -> None:
        """The pod runs and is Ready."""
        await self._write(
            pod,
            phase="Running",
            podIP=ip,
            podIPs=[{"ip": ip}],
            conditions=[_condition("Ready", "True")],
            containerStatuses=[_container({"running": {"startedAt": _now()}}, ready=True)],
        )

    async def serve_told(self, playground: Playground) -> None:
        """Until cancelled: each pod by hand is Ready as soon as its session's status names it, and
        no sooner. So every start takes the same steps, however busy the machine is."""
        served: set[str] = set()

        def next_told() -> str | None:
            for name in playground.sessions:
                pod = playground.status(name).get("podName", "")
                if pod in playground.pods and pod not in served:
                    return str(pod)
            return None

        while True:
            pod = await playground.until(next_told, deadline=3600)
            served.add(pod)
            with contextlib.suppress(Gone):
                await self.serve(pod, f"127.2.{len(served) // 256}.{len(served) % 256}")

    async def run_unready(self, pod: str) -> None:
        """The pod's container runs (still), and the pod is not Ready."""
        await self._write(
            pod,
            phase="Running",
            conditions=[_condition("Ready", "False", "ContainersNotReady")],
            containerStatuses=[_container({"running": {"startedAt": _now()}})],
        )

    async def hold(self, pod: str, reason: str, message: str) -> None:
        """The container waits for something."""
        state = {"waiting": {"reason": reason, "message": message}}
        await self._write(pod, phase="Pending", containerStatuses=[_container(state)])

    async def stop(self, pod: str, exit_code: int, *, last_words: str = "") -> None:
        """The container stopped, and with it the pod."""
        end = {
            "exitCode": exit_code,
            "reason": "Error" if exit_code else "Completed",
            "message": last_words,
            "startedAt": _now(),
            "finishedAt": _now(),
        }
        await self._write(
            pod,
            phase="Failed" if exit_code else "Succeeded",
            conditions=[_condition("Ready", "False", "PodFailed")],
            containerStatuses=[_container({"terminated": end})],
        )

    async def evict(self, pod: str) -> None:
        """The node took the pod away, as it does when memory runs out."""
        await self._write(
            pod,
            phase="Failed",
            reason="Evicted",
            message="The node was low on resource: memory.",
            conditions=[
                _condition("Ready", "False", "PodFailed"),
                _condition("DisruptionTarget", "True", "TerminationByKubelet"),
            ],
        )

    async def _write(self, pod: str, **status: Any) -> None:
        await self._cluster.merge_patch(
            PODS, self._namespace, pod, {"status": status}, subresource="status"
        )


def _container(state: Object, *, ready: bool = False) -> Object:
    return {
        "name": "game",
        "image": "fortune-game",
        "imageID": "",
        "ready": ready,
        "restartCount": 0,
        "state": state,
    }


def _condition(kind: str, status: str, reason: str = "") -> Object:
    return {"type": kind, "status": status, "reason": reason, "lastTransitionTime": _now()}


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
