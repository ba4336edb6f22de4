"""Pods whose owner is gone and that nobody deleted: an orphaning cascade, a stalled collector."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

import structlog

from gamesession.controller.shelf import key_of
from gamesession.controller.store import Store
from gamesession.kube.cluster import Cluster
from gamesession.kube.errors import ApiError, Conflict, Gone, Unreachable
from gamesession.kube.resources import PODS, SESSIONS
from gamesession.plan.pod import Pod

log = structlog.get_logger(__name__)

PATIENCE: Final = 60.0
"""Seconds for which an owner must have been gone: Kubernetes' collector comes first."""


class Orphans:
    """Finds and deletes pods of ours that have no owner any more.

    Args:
        clock: seconds that only move forward.
    """

    def __init__(
        self, cluster: Cluster, store: Store, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._cluster = cluster
        self._store = store
        self._clock = clock
        self._since: dict[str, float] = {}

    async def sweep(self) -> None:
        """Delete the pods that have been without an owner for `PATIENCE` seconds."""
        now = self._clock()
        orphans = [pod for pod in self._store.pods.values() if self._is_orphan(pod)]
        self._since = {pod.uid: self._since.get(pod.uid, now) for pod in orphans}
        for pod in orphans:
            if now - self._since[pod.uid] >= PATIENCE:
                await self._delete(pod)

    def _is_orphan(self, pod: Pod) -> bool:
        if not pod.game:  # no pod that we made: others may use our label
            return False
        if not pod.is_alive or self._store.session_of_uid(pod.owner_uid):
            return False
        return all(game.uid != pod.owner_uid for game in self._store.games.values())

    async def _delete(self, pod: Pod) -> None:
        try:
            if await self._is_owned_after_all(pod):
                return
            answer = await self._cluster.delete(PODS, pod.namespace, pod.name, uid=pod.uid)
        except Conflict:
            return
        except (ApiError, Unreachable) as error:
            log.warning("orphaned pod could not be removed", pod=pod.name, error=str(error))
            return
        if answer is None:
            self._store.lose_pod(key_of(pod), pod.uid)
            return
        log.warning("orphaned pod removed", pod=pod.name, game=pod.game)
        self._store.see_pod_leave(pod, answer)  # it may have a state to save yet

    async def _is_owned_after_all(self, pod: Pod) -> bool:
        """The store may be behind; the API server is asked before a pod is taken from anyone."""
        if not pod.session:  # no name to ask for: an empty one would list all
            return False
        try:
            owner = await self._cluster.get(SESSIONS, pod.namespace, pod.session)
        except Gone:
            return False
        return bool(owner["metadata"]["uid"] == pod.owner_uid)
