"""The upheavals, one after another."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from functools import partial
from typing import Final

import structlog

from tests.eventually import eventually
from tests.integration.upheaval.operators import Slot
from tests.integration.upheaval.players import Arcade, Player
from tests.integration.upheaval.scene import NODES, Scene

KILL_EVERY: Final = 5.0
ETCD_PAUSE: Final = 20.0
DRAIN: Final = "120s"
PATIENCE: Final = 180.0

log = structlog.get_logger(__name__)


async def drain_each_node(scene: Scene) -> None:
    """`kubectl drain` of one node after the other."""
    for node in NODES:
        log.info("draining", node=node)
        await scene.plane.kubectl(
            "drain", node, "--ignore-daemonsets", "--delete-emptydir-data", f"--timeout={DRAIN}"
        )
        await eventually(partial(_is_empty, scene, node))
        await scene.plane.kubectl("uncordon", node)


async def _is_empty(scene: Scene, node: str) -> bool:
    """Whether no pod is on a node, as our watch has it, which may be behind kubectl."""
    return all(pod["spec"].get("nodeName") != node for pod in scene.machines.pods.values())


async def kill_operators(scene: Scene, seconds: float) -> None:
    """Kill who leads every five seconds. Three times of four its container is started again, the
    fourth it comes back as another pod, which has to wait until the Lease is free."""
    with _upheaval(scene, "operator killed"):
        ends = asyncio.get_running_loop().time() + seconds
        while asyncio.get_running_loop().time() < ends:
            with_its_pod = len(scene.operators.kills) % 4 == 3
            await scene.operators.kill_leader(with_its_pod=with_its_pod)
            await asyncio.sleep(KILL_EVERY)


async def pause_leader(scene: Scene) -> None:
    """SIGSTOP to who leads until another does, then SIGCONT: it ends, and has written nothing."""
    with _upheaval(scene, "operator paused"):
        leader = await eventually(scene.operators.leader, deadline=PATIENCE)
        log.info("pausing the leader", identity=leader.identity)
        scene.operators.kills.append(datetime.now(UTC))
        lives = leader.lives
        leader.process.pause()
        try:
            await eventually(partial(_follows, scene, leader), deadline=PATIENCE)
        finally:
            leader.process.wake()
        await eventually(partial(_began_anew, leader, lives), deadline=PATIENCE)


async def _follows(scene: Scene, before: Slot) -> bool:
    """Whether another leads."""
    return await scene.operators.leader() not in (None, before)


async def _began_anew(slot: Slot, lives: int) -> bool:
    return slot.lives > lives


async def restart_api_server(scene: Scene, *, grace: float) -> None:
    """By SIGTERM, or by SIGKILL if there is no grace."""
    with _upheaval(scene, "API server restarted"):
        log.info("restarting the API server", grace=grace)
        await scene.plane.do(lambda plane: plane.stop("kube-apiserver", grace))
        await scene.plane.do(lambda plane: plane.start("kube-apiserver"))
        log.info("the API server is back")


async def pause_etcd(scene: Scene) -> None:
    """SIGSTOP and SIGCONT."""
    with _upheaval(scene, "etcd paused"):
        log.info("pausing etcd")
        await scene.plane.do(lambda plane: plane.pause("etcd"))
        await asyncio.sleep(ETCD_PAUSE)
        await scene.plane.do(lambda plane: plane.resume("etcd"))
        log.info("etcd goes on")


async def calm(scene: Scene) -> None:
    """Return when someone leads and a new user gets a session, and a while has passed in which
    those sessions end that could not."""
    began = asyncio.get_running_loop().time()
    await eventually(scene.operators.leader, deadline=PATIENCE)
    arcade = Arcade(scene.urls, scene.http, scene.account)
    await Player(arcade, f"calm-{began:.0f}", "chess").ask()
    log.info("calm", seconds=round(asyncio.get_running_loop().time() - began, 1))
    await asyncio.sleep(1.25 * scene.account.timeout.total_seconds())


@contextmanager
def _upheaval(scene: Scene, what: str) -> Iterator[None]:
    upheaval = scene.account.began(what)
    try:
        yield
    finally:
        upheaval.end()
