"""Whether the API server is there, asked so often that a loss of contact is known when it matters.

An operator that has nothing to do asks nothing: it would take an outage for calm, and end sessions
at its end whose activity gateways could not write meanwhile (DESIGN 4).
"""

from __future__ import annotations

import asyncio
from typing import Final

import structlog

from gamesession.kube.cluster import Cluster
from gamesession.kube.errors import ApiError, ServerFault, Unreachable
from gamesession.kube.resources import GAMES

log = structlog.get_logger(__name__)

INTERVAL: Final = 2.0
ANSWER_SECONDS: Final = 5.0
"""A slow answer is an answer: a busy machine must not be taken for a lost one."""


class Heartbeat:
    """Asks the API server for next to nothing.

    Args:
        namespace: one in which we may list Games.
    """

    def __init__(self, cluster: Cluster, namespace: str) -> None:
        self._cluster = cluster
        self._namespace = namespace

    async def run(self) -> None:
        """Ask until cancelled."""
        while True:
            await self.beat()
            await asyncio.sleep(INTERVAL)

    async def beat(self) -> None:
        """Ask once. A list is answered only if the API server's own store is there, too."""
        lost = self._cluster.contact.lost
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                await self._cluster.peek(GAMES, self._namespace)
        except (Unreachable, ServerFault, TimeoutError) as error:
            self._cluster.contact.failed()
            if not lost:
                log.warning("contact with the API server lost", error=repr(error))
        except ApiError as error:
            log.debug("heartbeat refused", error=str(error))
        else:
            if lost:
                log.info("contact with the API server regained")
