"""What the operator counts (contract 6). No label holds a user."""

from __future__ import annotations

from collections import Counter as Tally
from collections.abc import Iterable
from typing import Final, get_args

from prometheus_client import REGISTRY, Counter, Gauge, Histogram
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from gamesession.api.session import StartKind
from gamesession.controller.store import Store
from gamesession.kube.metrics import ENDED, GameSeries
from gamesession.plan.deadline import Reason
from gamesession.plan.session import FAILED, PENDING, READY, STARTING

PHASES: Final = (PENDING, STARTING, READY, FAILED)
RESULTS: Final = ("claimed", "lost", "empty")

STARTS: Final = Histogram(
    "gamesession_start_seconds",
    "From a session's creation to Ready for the first time, by kind of start: Warm, Cold.",
    ["game", "kind"],
    buckets=(0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2, 4, 8, 15, 30, 60, 120, 300),
)

CLAIMS: Final = Counter(
    "gamesession_claims_total",
    "Tries to hand a warm pod to a session: claimed, lost (the pod went otherwise), empty (of a "
    "Game with a pool, no pod was ready).",
    ["game", "result"],
)

LEADER: Final = Gauge("gamesession_leader", "1 while this process leads, else 0.")


class Population(Collector):
    """The sessions and waiting pods that there are, counted when somebody asks; those of Games of
    one name in several namespaces together. An operator that stands by knows of none.

    Attributes:
        store: what the operator knows; `None` while it does not lead.
    """

    def __init__(self) -> None:
        self.store: Store | None = None

    def describe(self) -> Iterable[Metric]:
        """The names, which `collect` alone would not tell before there is a store."""
        return _families()

    def collect(self) -> Iterable[Metric]:
        """Count."""
        sessions, pods = families = _families()
        if self.store is None:
            return families
        games = {game.name for game in self.store.games.values()}
        phases = Tally((each.game, each.phase or PENDING) for each in self.store.sessions.values())
        for game in sorted(games | {game for game, _ in phases}):
            for phase in PHASES:
                sessions.add_metric([game, phase], phases[game, phase])
        waiting = _waiting_pods(self.store)
        for game in sorted(games):
            for state in ("ready", "starting"):
                pods.add_metric([game, state], waiting[game, state])
        return families


def _families() -> tuple[GaugeMetricFamily, GaugeMetricFamily]:
    return (
        GaugeMetricFamily(
            "gamesession_sessions",
            "Sessions that there are, by phase: Pending, Starting, Ready, Failed.",
            labels=["game", "phase"],
        ),
        GaugeMetricFamily(
            "gamesession_pool_pods",
            "Pods that wait for a user: ready, starting.",
            labels=["game", "state"],
        ),
    )


def _waiting_pods(store: Store) -> Tally[tuple[str, str]]:
    return Tally(
        (game.name, "ready" if pod.ready else "starting")
        for game in store.games.values()
        for pod in store.warm_pods(game)
        if pod.is_alive
    )


def _begin(game: str) -> None:
    for kind in get_args(StartKind):
        STARTS.labels(game, kind)
    for result in RESULTS:
        CLAIMS.labels(game, result)
    for reason in Reason:
        ENDED.labels(game, reason.value)


POPULATION: Final = Population()
GAME_SERIES: Final = GameSeries((STARTS, CLAIMS, ENDED), begin=_begin)

REGISTRY.register(POPULATION)
REGISTRY.register(GAME_SERIES)
