"""What the gateway counts (contract, section 6). No label holds a user."""

from __future__ import annotations

from functools import lru_cache

from prometheus_client import REGISTRY, Counter, Gauge, Histogram

from gamesession.kube.metrics import ENDED, GameSeries
from gamesession.plan.game import Game

REQUEST_SECONDS = Histogram(
    "gamesession_gateway_request_seconds",
    "Requests, from their head to the end of their answer; a WebSocket's (code 101) ends with it. "
    "Start: reused, warm, cold, fallback, none. Game is empty where none was found.",
    ["game", "start", "code"],
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60),
)

HELD_REQUESTS = Gauge(
    "gamesession_gateway_held_requests",
    "Requests that wait for their session; listeners to session/events among them.",
    ["game"],
)

OPEN_STREAMS = Gauge(
    "gamesession_gateway_open_streams",
    "WebSockets and event streams that are open between clients and pods, or fallbacks.",
    ["game"],
)

FALLBACKS = Counter(
    "gamesession_gateway_fallback_total",
    "Requests that a Game's fallback answered, by the error they would have got.",
    ["game", "reason"],
)


@lru_cache(maxsize=4096)
def request_seconds(game: str, start: str, code: int) -> Histogram:
    """The histogram of one combination of labels."""
    return REQUEST_SECONDS.labels(game, start, str(code))


def _begin(game: str) -> None:
    HELD_REQUESTS.labels(game)
    OPEN_STREAMS.labels(game)
    ENDED.labels(game, "Closed")
    ENDED.labels(game, "Failed")


GAME_SERIES = GameSeries(
    (REQUEST_SECONDS, HELD_REQUESTS, OPEN_STREAMS, FALLBACKS, ENDED),
    begin=_begin,
    forget=request_seconds.cache_clear,
)

REGISTRY.register(GAME_SERIES)


def game_changed(old: Game | None, new: Game | None) -> None:
    """The series of a Game are there as long as it is, and a little longer."""
    if new is not None:
        GAME_SERIES.begin(new.name)
    elif old is not None:
        GAME_SERIES.end(old.name)
