"""Whether this process leads: of all operators with one Lease, the only one that acts.

Who has lost the Lease ends at once, in the middle of whatever it does: a process that was paused
learns of its loss by nothing but its clock, and what it still had in hand was decided before.
"""

from __future__ import annotations

import asyncio
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Final, Self

import structlog
from kubernetes.aio.client import Configuration

from gamesession.controller.metrics import LEADER
from gamesession.controller.settings import OperatorSettings
from gamesession.kube.cluster import Cluster
from gamesession.kube.errors import NotLeading
from gamesession.kube.lease import Lease

LOOK_SECONDS: Final = 0.25
LOST: Final = 1
"""Exit code of a process that has lost its lead."""

log = structlog.get_logger(__name__)


class Leadership:
    """The Lease of this process, and its end with it."""

    def __init__(self, configuration: Configuration, settings: OperatorSettings) -> None:
        self._cluster = Cluster(configuration, "operator")
        self._lease = Lease(
            self._cluster, settings.lease_namespace, settings.lease_name, settings.identity
        )
        self._keeping: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._keeping is not None:
            self._keeping.cancel()
            await asyncio.gather(self._keeping, return_exceptions=True)
        await self._lease.release()
        await self._cluster.close()

    def stands(self) -> bool:
        """Whether this process leads."""
        return self._lease.stands()

    def stands_by(self) -> bool:
        """Whether another process leads."""
        return not self.stands() and self._lease.is_held_by_another()

    def check(self) -> None:
        """To be called before whatever only the leader may do.

        Raises:
            NotLeading: this process does not lead, or no longer.
        """
        if not self._lease.stands():
            raise NotLeading("this operator does not lead any more")

    async def gained(self) -> bool:
        """Wait for the lead, and keep it from then on; `False` if asked to end before (SIGTERM,
        SIGINT)."""
        waiting = asyncio.create_task(self._lease.acquire())
        loop, signals = asyncio.get_running_loop(), (signal.SIGTERM, signal.SIGINT)
        for number in signals:
            loop.add_signal_handler(number, waiting.cancel)
        try:
            with suppress(asyncio.CancelledError):
                await waiting
        finally:
            for number in signals:
                loop.remove_signal_handler(number)
        if waiting.cancelled():
            return False
        self._keeping = asyncio.create_task(self._lease.keep())
        return True

    @contextmanager
    def watched(self) -> Iterator[None]:
        """While in here, the loss of the lead ends the process. A thread watches it: the event loop
        may be what hangs."""
        over = threading.Event()
        LEADER.set(1)
        threading.Thread(target=self._watch, args=(over,), name="lease", daemon=True).start()
        try:
            yield
        finally:
            over.set()
            LEADER.set(0)

    def _watch(self, over: threading.Event) -> None:
        while not over.wait(LOOK_SECONDS):
            if not self._lease.stands():
                log.error("lead lost, ending at once")
                os._exit(LOST)
