"""Nodes, and Kubernetes' garbage collector: what happens to pods without us."""

from __future__ import annotations

import random
from functools import partial
from typing import Any, Final

from gamesession.kube.resources import PODS
from tests.simulation.apiserver import ApiServer, Change
from tests.simulation.clock import Agenda
from tests.unit.plan.objects import DISRUPTED, Object, condition, terminated

STALLED: Final = 0.03
"""How often the collector overlooks a pod."""


class Kubelet:
    """Makes pods ready, has a few of them stop, and lets go of those that were deleted.

    Args:
        stops: how many of all pods stop by themselves or with their node.

    Attributes:
        calm: whether pods are left alone.
    """

    def __init__(
        self, server: ApiServer, agenda: Agenda, chance: random.Random, stops: float
    ) -> None:
        self._server = server
        self._agenda = agenda
        self._chance = chance
        self._stops = stops
        self._addresses = 0
        self.calm = False
        server.listeners.append(self._change)

    def _change(self, change: Change) -> None:
        before, after = change.before, change.after
        if change.resource is not PODS or after is None:
            return
        if before is None:
            self._after(0.05 + 2 * self._chance.random() ** 2, after, self._serve)
            if self._chance.random() < self._stops:
                self._after(self._chance.uniform(0.5, 30), after, self._stop)
        elif is_leaving(after) and not is_leaving(before):
            self._after(self._chance.uniform(0.05, 2), after, self._reap)

    def _after(self, seconds: float, pod: Object, deed: Any) -> None:
        meta = pod["metadata"]
        self._agenda.after(seconds, partial(self._if_there, meta["name"], meta["uid"], deed))

    def _if_there(self, name: str, uid: str, deed: Any) -> None:
        if found := self._server.find(PODS, name, uid):
            deed(found)

    def _serve(self, pod: Object) -> None:
        if pod["status"]["phase"] != "Pending":
            return
        self._addresses += 1
        address = f"10.{self._addresses >> 16}.{self._addresses >> 8 & 255}.{self._addresses & 255}"
        now = self._agenda.clock.seconds
        ready = condition("Ready", "True", "", since=now)
        self._write(pod, phase="Running", podIP=address, conditions=[ready])

    def _stop(self, pod: Object) -> None:
        if self.calm or is_leaving(pod):
            return
        now = self._agenda.clock.seconds
        unready = condition("Ready", "False", "", since=now)
        match self._chance.randrange(3):
            case 0:
                ended = [terminated(finished=now)]
                self._write(pod, phase="Failed", conditions=[unready], containerStatuses=ended)
            case 1:
                self._write(pod, phase="Failed", reason="Evicted", conditions=[unready])
            case 2:
                conditions = [*pod["status"].get("conditions", []), DISRUPTED]
                self._write(pod, conditions=conditions)
                self._after(self._chance.uniform(0, 1), pod, self._evict)

    def _evict(self, pod: Object) -> None:
        self._server.delete(PODS, pod["metadata"]["name"], {})

    def _reap(self, pod: Object) -> None:
        self._server.remove(PODS, pod)

    def _write(self, pod: Object, **status: Any) -> None:
        self._server.merge_patch(PODS, pod["metadata"]["name"], {"status": status}, "status")


class Collector:
    """Deletes pods whose owner is gone; now and then it overlooks one."""

    def __init__(self, server: ApiServer, agenda: Agenda, chance: random.Random) -> None:
        self._server = server
        self._agenda = agenda
        self._chance = chance
        server.listeners.append(self._change)

    def _change(self, change: Change) -> None:
        if change.resource is PODS:
            if change.after and not self._server.lives(owner_of(change.after)):
                self._collect(change.after)
        elif change.after is None:
            uid = change.told["metadata"]["uid"]
            for pod in self._server.all(PODS):
                if owner_of(pod) == uid:
                    self._collect(pod)

    def _collect(self, pod: Object) -> None:
        if self._chance.random() >= STALLED:
            meta = pod["metadata"]
            deed = partial(self._delete, meta["name"], meta["uid"])
            self._agenda.after(self._chance.uniform(0.02, 3), deed)

    def _delete(self, name: str, uid: str) -> None:
        found = self._server.find(PODS, name, uid)
        if found and not self._server.lives(owner_of(found)):
            self._server.delete(PODS, name, {"uid": uid})


def owner_of(pod: Object) -> str:
    """The uid of who owns a pod."""
    return str(pod["metadata"]["ownerReferences"][0]["uid"])


def is_leaving(found: Object) -> bool:
    """Whether somebody deleted it."""
    return "deletionTimestamp" in found["metadata"]
