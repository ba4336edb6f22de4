"""A whole run: people play, everything is upset, people leave, and the account is made up."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Final

import structlog

from gamesession.api.labels import ROLE_LABEL
from tests.eventually import eventually
from tests.integration.upheaval import players, troubles
from tests.integration.upheaval.players import Arcade, Player
from tests.integration.upheaval.report import Report
from tests.integration.upheaval.scene import WARM, Scene, scene

WAYS: Final[tuple[tuple[str, Callable[[Player], Awaitable[None]], int], ...]] = (
    ("steady", players.steadily, 20),
    ("late", players.late_in_the_timeout, 10),
    ("around", players.around_the_timeout, 5),
    ("chatting", players.chatting, 4),
    ("listening", players.listening, 3),
)
VISITORS: Final = 8
"""With them there are fifty at a time."""
GOING_AWAY: Final = ("around",)
"""Whose sessions may end while they live."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Plan:
    """What is to be done.

    Attributes:
        rounds: how often all upheavals come.
        killing: seconds that operators are killed for.
        timeout: the idle timeout of all sessions.
        hold: how long gateways hold requests; by default for so long that a slow machine does not
            turn a test red.
    """

    rounds: int = 1
    killing: float = 120.0
    timeout: timedelta = timedelta(seconds=12)
    hold: str = "100s"


async def run(directory: Path, plan: Plan) -> Report:
    """Do it.

    Args:
        directory: for logs.
    """
    async with scene(directory, plan.timeout, plan.hold) as stage:
        async with _playing(stage) as constant:
            for number in range(plan.rounds):
                log.info("round", number=number + 1)
                await troubles.drain_each_node(stage)
                await troubles.kill_operators(stage, plan.killing)
                await troubles.pause_leader(stage)
                await troubles.calm(stage)
                await troubles.restart_api_server(stage, grace=10)
                await troubles.restart_api_server(stage, grace=0)
                await troubles.calm(stage)
                await troubles.pause_etcd(stage)
                await troubles.calm(stage)
        log.info("everyone has left")
        leaks = await _leaks(stage)
        return Report.of(stage, constant, leaks)


@asynccontextmanager
async def _playing(stage: Scene) -> AsyncIterator[list[str]]:
    """Everyone plays; yields, once all have a session, those who never stop."""
    arcade = Arcade(stage.urls, stage.http, stage.account)
    games = itertools.cycle(stage.games)
    constant, playing = [], []
    for kind, play, count in WAYS:
        for number in range(count):
            may_end = kind in GOING_AWAY
            player = Player(arcade, f"{kind}-{number}", next(games), may_end=may_end)
            playing.append(play(player))
            if not may_end:
                constant.append(player)
    visitors = [players.visiting(arcade, stage.games, place) for place in range(VISITORS)]
    tasks = [asyncio.ensure_future(each) for each in (*playing, *visitors)]
    try:
        await eventually(lambda: _have_sessions(constant, tasks), deadline=180)
        log.info("everyone plays", sessions=len(stage.sessions.objects))
        yield [player.name for player in constant]
    finally:
        for task in tasks:
            task.cancel()
        ends = await asyncio.gather(*tasks, return_exceptions=True)
    bugs = [end for end in ends if not isinstance(end, asyncio.CancelledError)]
    assert not bugs, bugs


async def _have_sessions(constant: list[Player], tasks: Sequence[asyncio.Future[None]]) -> bool:
    for task in tasks:
        if task.done():
            task.result()
    return all(player.session for player in constant)


async def _leaks(stage: Scene) -> list[str]:
    """What is left of sessions when all should have ended."""

    def left() -> list[str]:
        pods = stage.machines.pods.values()
        owned = [pod for pod in pods if pod["metadata"]["labels"][ROLE_LABEL] != "warm"]
        waiting = len(pods) - len(owned)
        running = len(stage.machines.running)
        return [
            *(f"session {name}" for name in stage.sessions.objects),
            *(f"pod {pod['metadata']['name']}" for pod in owned),
            *([f"{waiting} pods wait"] if waiting != 2 * WARM else []),
            *([f"{running} pods run"] if running != 2 * WARM else []),
        ]

    async def none_left() -> bool:
        return not left()

    try:
        await eventually(none_left, deadline=stage.account.timeout.total_seconds() + 60)
    except TimeoutError:
        return left()
    return []
