"""The gateway of benches without a cluster: the whole of it, beside the tests' own API server."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Any

import structlog

from gamesession.gateway.collector import calm_collector
from tests.bench.pod import IP, PodElsewhere
from tests.bench.stream import allow_files
from tests.handlers.gateway.stage import Stage


async def be_gateway(
    ready: Callable[[int], None], stop: asyncio.Event, *, files: int = 0, **settings: Any
) -> None:
    """A gateway with one running session, until told to stop.

    Args:
        files: how many connections it is to have.
        settings: those that are not as they are by default.
    """
    allow_files(files)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.INFO))
    async with Stage(**settings) as stage:
        await stage.add_game()
        await stage.add_session("alice", pod=PodElsewhere(ip=IP))
        calm_collector()
        ready(stage.service.port)
        await stop.wait()
