"""Two operators that something always starts again, and who of them led when.

Each has an account of its own at the API server, whose audit log therefore says who wrote what.
"""

from __future__ import annotations

import asyncio
import itertools
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from gamesession.kube.cluster import Cluster, Object
from gamesession.kube.errors import ApiError, Unreachable
from gamesession.kube.resources import LEASES
from tests.eventually import eventually
from tests.integration.operator_process import OperatorProcess

LOOK_SECONDS: Final = 0.1
RESTART_SECONDS: Final = 1.0
"""A kubelet takes about as long, but for a container that crashes again and again; these are taken
for ones that had been well for a while."""
HANDOVER_DEADLINE: Final = 90.0
"""Seconds. It takes twelve; a slow machine must not turn a test red."""


class Slot:
    """The place of one replica: a pod whose container is started again, or another pod."""

    def __init__(self, name: str, kubeconfig: Path, namespace: str, directory: Path) -> None:
        self._name = name
        self._kubeconfig = kubeconfig
        self._namespace = namespace
        self._log = directory / f"{name}.log"
        self._pods = itertools.count(1)
        self.lives = 0
        self.renew()

    def renew(self) -> None:
        """The next life is another pod's."""
        self.identity = f"{self._name}-{next(self._pods)}"
        self.process = OperatorProcess(
            self._kubeconfig, self._namespace, self._log, identity=self.identity
        )

    def start(self) -> None:
        """Begin a life."""
        self.process.start()
        self.lives += 1


class Operators:
    """Both replicas, while it is entered.

    Args:
        cluster: as the test sees it.
        kubeconfigs: how each finds the API server.

    Attributes:
        kills: when a leader was killed, or paused for good.
    """

    def __init__(
        self, cluster: Cluster, namespace: str, directory: Path, *kubeconfigs: Path
    ) -> None:
        self._cluster = cluster
        self._namespace = namespace
        names = map("operator-{}".format, "abcdefgh")
        self._slots = [
            Slot(name, kubeconfig, namespace, directory)
            for name, kubeconfig in zip(names, kubeconfigs, strict=False)
        ]
        self.kills: list[datetime] = []

    async def __aenter__(self) -> Operators:
        for slot in self._slots:
            slot.start()
        self._restarting = asyncio.create_task(self._restart())
        await eventually(self.leader, deadline=HANDOVER_DEADLINE)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._restarting.cancel()
        for slot in self._slots:
            await asyncio.to_thread(slot.process.kill)

    @property
    def lives(self) -> int:
        """How often one was started."""
        return sum(slot.lives for slot in self._slots)

    def lines(self, event: str) -> int:
        """How often they said something."""
        return sum(len(slot.process.lines(event)) for slot in self._slots)

    def bugs(self) -> list[str]:
        """What they never should say."""
        return [text for slot in self._slots for text in slot.process.bugs()]

    async def leader(self) -> Slot | None:
        """Who leads; nobody if whoever holds the Lease has ended, or none can be asked for it."""
        try:
            lease: Object = await self._cluster.get(LEASES, "default", self._namespace)
        except (ApiError, Unreachable):
            return None
        holder = lease["spec"].get("holderIdentity")
        for slot in self._slots:
            if slot.identity == holder and slot.process.alive:
                return slot
        return None

    async def kill_leader(self, *, with_its_pod: bool) -> bool:
        """Kill who leads; whether anybody did.

        Args:
            with_its_pod: it comes again as another pod, which has to wait for the Lease.
        """
        leader = await self.leader()
        if leader is None:
            return False
        self.kills.append(datetime.now(UTC))
        leader.process.kill()
        if with_its_pod:
            leader.renew()
        return True

    async def _restart(self) -> None:
        """Start again whichever has ended."""
        ended: dict[str, float] = {}
        while True:
            now = asyncio.get_running_loop().time()
            for slot in self._slots:
                if slot.process.alive:
                    ended.pop(slot.identity, None)
                elif now - ended.setdefault(slot.identity, now) > RESTART_SECONDS:
                    slot.start()
            await asyncio.sleep(LOOK_SECONDS)
