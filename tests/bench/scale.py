"""What an operator costs that serves thousands, and whether it is on time."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path

import uvloop

from gamesession.api.duration import format_duration
from gamesession.api.labels import API_VERSION
from gamesession.kube.resources import GAMES, Resource
from tests.bench.bare import Bare, Object
from tests.bench.facts import ROOT
from tests.bench.figure import Figure, Promise
from tests.bench.operator_process import OperatorProcess, floor_memory
from tests.bench.population import Population
from tests.bench.stack import Stack
from tests.bench.trial import IDLE_TIMEOUT, PATIENCE, Result, Trial
from tests.cluster.controlplane import ControlPlane
from tests.cluster.waiting import wait_for

NAME = "scale"
SUMMARY = (
    "The operator with 1,000, 5,000 and 10,000 sessions: memory, CPU, how late idle ends are, and "
    "how soon it serves after a crash; on kwok, about ten minutes."
)
SIZES = (1_000, 5_000, 10_000)
NAMES = "scale"
"""Of the namespace, and of the Game in it."""
NODES = 4
ACCOUNT = f"/api/v1/namespaces/{NAMES}/serviceaccounts/default"
NODE = Resource("", "v1", "nodes", "Node")

START = Promise(15_000)
MEMORY = Promise(400)
CPU = Promise(10)
LATE = Promise(1500)
"""Milliseconds, MiB, % of a core, milliseconds: with the most sessions that are measured."""


def measure(stack: Stack) -> list[Figure]:
    """All sizes, on a control plane of the bench's own, for what was there before slows it."""
    with (
        ControlPlane(crds=ROOT / "crds", nodes=NODES, durable=True) as plane,
        tempfile.TemporaryDirectory() as directory,
    ):
        plane.api.post("/api/v1/namespaces", {"metadata": {"name": NAMES}})
        wait_for(lambda: plane.api.exists(ACCOUNT), PATIENCE, ACCOUNT)
        floor = floor_memory()
        results = uvloop.run(measure_on(plane, Path(directory)))
    return [figure for each in results for figure in figures(each, floor)]


async def measure_on(plane: ControlPlane, directory: Path) -> list[Result]:
    """All sizes, one after the other.

    Raises:
        OSError: something that must happen did not.
    """
    operator = OperatorProcess(plane.kubeconfig, NAMES, directory)
    async with Bare(plane.api) as bare:
        try:
            game = await accepted_game(bare, operator)
            nodes = [each["metadata"]["name"] for each in (await bare.list(NODE, ""))[0]]
            population = Population(bare, NAMES, game, nodes)
            trial = Trial(bare, operator, population, NAMES)
            return [await trial.measure(size) for size in SIZES]
        finally:
            operator.kill()


async def accepted_game(bare: Bare, operator: OperatorProcess) -> Object:
    """The Game, once an operator has accepted it; none runs then."""
    await bare.create(GAMES, NAMES, game_body())
    operator.start()
    async with asyncio.timeout(PATIENCE):
        while not is_accepted(game := (await bare.list(GAMES, NAMES))[0][0]):
            operator.check()
            await asyncio.sleep(0.1)
    operator.kill()
    return game


def game_body() -> Object:
    """A Game with one small pod for each session."""
    timeout = format_duration(IDLE_TIMEOUT)
    container = {"name": "game", "image": "game", "ports": [{"containerPort": 8080}]}
    return {
        "apiVersion": API_VERSION,
        "kind": GAMES.kind,
        "metadata": {"name": NAMES},
        "spec": {
            "services": [{"name": "game", "port": 8080}, {"name": "live", "port": 9090}],
            "session": {"idleTimeout": timeout, "maxIdleTimeout": timeout},
            "template": {"spec": {"containers": [container]}},
        },
    }


def is_accepted(game: Object) -> bool:
    """Whether the operator has accepted a Game."""
    conditions = game.get("status", {}).get("conditions", [])
    return any(each["type"] == "Accepted" and each["status"] == "True" for each in conditions)


def figures(result: Result, floor: float) -> list[Figure]:
    """What was measured with one number of sessions.

    Args:
        floor: MiB of a Python that has imported the libraries.
    """
    with_all = f"{result.size:,} sessions"
    promised = result.size == max(SIZES)
    late, bare = result.late, result.bare_late

    def figure(
        name: str, measured: float, floor: float | None, promise: Promise | None, unit: str = "ms"
    ) -> Figure:
        promise = promise if promised else None
        return Figure(f"{with_all}: {name}", measured, floor, promise, unit)

    return [
        figure("start → first session Ready", result.start * 1000, result.list_all * 1000, START),
        figure("memory at rest", result.rest.memory, floor, MEMORY, "MiB"),
        figure("memory, 1 % active", result.active.memory, floor, None, "MiB"),
        figure("CPU at rest", result.rest.cpu, None, CPU, "% of a core"),
        figure("CPU, 1 % active", result.active.cpu, None, None, "% of a core"),
        figure("idle end, late by, p50", late.percentile(50), bare.percentile(50), None),
        figure("idle end, late by, p99", late.percentile(99), bare.percentile(99), LATE),
        figure("idle end, late by, max", late.longest, bare.longest, None),
    ]
