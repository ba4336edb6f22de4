"""What the gateway counts (contract, section 6). No label holds a user."""

from __future__ import annotations

from functools import lru_cache

from prometheus_client import Counter, Gauge, Histogram

REQUEST_SECONDS = Histogram(
    "gamesession_gateway_request_seconds",
    "Requests, from their head to the end of their answer.",
    ["game", "start", "code"],
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60),
)

HELD_REQUESTS = Gauge(
    "gamesession_gateway_held_requests", "Requests that wait for their session.", ["game"]
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
