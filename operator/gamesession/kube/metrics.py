"""What all that talk to the API server count alike (contract 6). No label holds a user."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import Final

from prometheus_client import Counter, Gauge
from prometheus_client.metrics import MetricWrapperBase
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

API_WRITES: Final = Counter(
    "gamesession_api_writes_total",
    "Writes to the Kubernetes API server, by their answer's HTTP status; code 0: no answer came.",
    ["component", "verb", "resource", "code"],
)

ENDED: Final = Counter(
    "gamesession_ended_total",
    "Sessions that this process ended, by reason: IdleTimeout, MaxLifetime, Abandoned, Failed "
    "(the operator; Failed also a gateway that replaces one), Closed (a gateway).",
    ["game", "reason"],
)

WATCH_AGE: Final = Gauge(
    "gamesession_watch_age_seconds",
    "Since the watch of a resource last showed that it hears what happens.",
    ["resource"],
)

KEPT_SECONDS: Final = 600.0
"""How long the series of a Game outlive it: longer than anybody waits between two scrapes, so that
its last sessions are counted."""


class GameSeries(Collector):
    """The series of Games. They are there before the first event, for a counter that appears as 1
    has not risen to Prometheus; and they go, a while after their Game.

    Args:
        metrics: those with a label `game`.
        begin: makes the series of a Game that are to be there from its beginning.
        forget: called when series were removed, for who keeps some at hand.
        clock: seconds that only move forward.
    """

    def __init__(
        self,
        metrics: Iterable[MetricWrapperBase],
        *,
        begin: Callable[[str], object],
        forget: Callable[[], object] = lambda: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._metrics = list(metrics)
        self._begin = begin
        self._forget = forget
        self._clock = clock
        self._gone: dict[str, float] = {}

    def begin(self, game: str) -> None:
        """A Game is there."""
        self._gone.pop(game, None)
        self._begin(game)

    def end(self, game: str) -> None:
        """No Game of that name is there any more."""
        self._gone[game] = self._clock()
        self._remove_old()

    def collect(self) -> Iterable[Metric]:
        """Nothing of its own: to be read is the moment to tidy up."""
        self._remove_old()
        return ()

    def _remove_old(self) -> None:
        now = self._clock()
        old = [game for game, at in self._gone.items() if now - at >= KEPT_SECONDS]
        for game in old:
            del self._gone[game]
            for metric in self._metrics:
                metric.remove_by_labels({"game": game})
        if old:
            self._forget()
