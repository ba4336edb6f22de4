"""The same request on two ways, in turn."""

from __future__ import annotations

from tests.bench.connection import Connection
from tests.bench.figure import Figure, Promise
from tests.bench.times import Times

ROUNDS = 5000
WARM_UP = 500
PROMISED = Promise(0.6, of="added")
"""Milliseconds that the gateway adds to the median request of a running session."""


def compare(direct: Connection, through: Connection, rounds: int = ROUNDS) -> list[Figure]:
    """What the gateway adds to a request.

    One request goes over each connection in turn, so that whatever else the machine does falls on
    both alike.

    Raises:
        OSError: an answer failed, or the two ways gave different answers.
    """
    for _ in range(WARM_UP):
        direct.ask(), through.ask()
    times: tuple[list[float], list[float]] = [], []
    for _ in range(rounds):
        (one, expected), (two, body) = direct.ask(), through.ask()
        if body != expected:
            raise OSError(f"the gateway answered {body!r}, the pod {expected!r}")
        times[0].append(one)
        times[1].append(two)
    floor, measured = Times(times[0]), Times(times[1])
    return [
        Figure("request, p50", measured.percentile(50), floor.percentile(50), PROMISED),
        Figure("request, p99", measured.percentile(99), floor.percentile(99)),
    ]
