"""One request to the API server that a user waits for."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from gamesession.kube.cluster import Cluster

CALL_SECONDS = 5.0
"""A user waits for the answer: less than the API server's own limits."""

AWAY_SECONDS = 0.5
"""The same while the API server is known to be away: the user's request is to get its fallback, or
its error, at once."""


@asynccontextmanager
async def call(cluster: Cluster) -> AsyncIterator[None]:
    """The time that such a request has. Once one had no answer, the API server is away until any
    request has one.

    Raises:
        TimeoutError: there was no answer.
    """
    seconds = AWAY_SECONDS if cluster.contact.lost else CALL_SECONDS
    try:
        async with asyncio.timeout(seconds):
            yield
    except TimeoutError:
        cluster.contact.failed()
        raise
