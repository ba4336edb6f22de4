"""Pods that wait for a user, as anybody can see them."""

from __future__ import annotations

import asyncio
import time

from gamesession.api.labels import ROLE_LABEL, ROLE_WARM, SESSION_LABEL
from gamesession.kube.resources import PODS
from tests.bench.bare import Bare, Object
from tests.bench.watcher import has_condition_ready

PATIENCE = 120.0
LOOK_EVERY = 0.2


async def filled(bare: Bare, namespace: str, size: int, *, sessions: bool = False) -> list[Object]:
    """The pods that wait, once there are so many and they are Ready, and no pod of a session is
    left.

    Args:
        sessions: pods of sessions may be there.

    Raises:
        TimeoutError: that does not happen.
    """
    ends = time.monotonic() + PATIENCE
    while True:
        pods, _ = await bare.list(PODS, namespace)
        labels = [pod["metadata"].get("labels", {}) for pod in pods]
        waiting = [
            pod
            for pod, label in zip(pods, labels, strict=True)
            if label.get(ROLE_LABEL) == ROLE_WARM
            and has_condition_ready(pod)
            and "deletionTimestamp" not in pod["metadata"]
        ]
        others = any(SESSION_LABEL in label for label in labels)
        if len(waiting) >= size and (sessions or not others):
            return waiting
        if time.monotonic() > ends:
            raise TimeoutError(f"{len(waiting)} of {size} pods wait in {namespace}")
        await asyncio.sleep(LOOK_EVERY)
