"""The gateway of benches without a cluster: the whole of it, beside the tests' own API server."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

import structlog

from gamesession.gateway.collector import calm_collector
from tests.bench.pod import IP, PodElsewhere
from tests.handlers.gateway.stage import Stage


async def be_gateway(ready: Callable[[int], None], stop: asyncio.Event) -> None:
    """A gateway with one running session, until told to stop."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.INFO))
    async with Stage() as stage:
        await stage.add_game()
        await stage.add_session("alice", pod=PodElsewhere(ip=IP))
        calm_collector()
        ready(stage.service.port)
        await stop.wait()
