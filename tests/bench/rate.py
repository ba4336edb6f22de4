"""How many requests a gateway carries, beside a proxy that only carries, and the pod alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

import uvloop

from tests.bench.bare_proxy import be_bare_proxy
from tests.bench.figure import Figure, Promise
from tests.bench.gateway import be_gateway
from tests.bench.load import Question, Rate, load
from tests.bench.pod import BODY, FORTUNE, IP, be_pod
from tests.bench.role import Player, playing
from tests.bench.stack import Stack
from tests.handlers.gateway.stage import bearer

NAME = "rate"
SUMMARY = (
    "Requests of a running session at 1, 16 and 64 connections, through the gateway and (floor) "
    "through a bare aiohttp proxy; processes on loopback, no cluster, about two minutes."
)
CONNECTIONS = (1, 16, 64)
ROUNDS = 7
SECONDS = 2.0
PROMISED = Promise(least=0.8, of="ratio")


@dataclass(frozen=True)
class Round:
    """One way, under load for a while.

    Attributes:
        cpu: seconds of a core that who carries used for a request.
    """

    rate: Rate
    cpu: float

    @property
    def busy(self) -> float:
        """The part of the time in which who carries had a core: where it is far from 1, something
        else was the bottleneck."""
        return self.cpu * self.rate.per_second


@dataclass(frozen=True)
class Way:
    """A way to the pod.

    Attributes:
        player: who is asked.
    """

    host: str
    player: Player

    def go(self, connections: int) -> Round:
        """Put it under load."""
        question = Question(self.host, self.player.port, FORTUNE, bearer(), BODY)
        before = self.player.cpu()
        rate = uvloop.run(load(question, connections, SECONDS))
        cpu = (self.player.cpu() - before) / rate.answered
        return Round(rate, cpu)


def measure(stack: Stack) -> list[Figure]:
    """All numbers of connections; the three ways take turns."""
    with (
        playing(be_pod) as pod,
        playing(be_bare_proxy) as bare,
        playing(be_gateway) as gateway,
    ):
        ways = Way("127.0.0.1", gateway), Way("127.0.0.1", bare), Way(IP, pod)
        found: list[Figure] = []
        for connections in CONNECTIONS:
            turns = [tuple(way.go(connections) for way in ways) for _ in range(ROUNDS)]
            found += figures(connections, *map(Rounds, zip(*turns, strict=True)))
        return found


class Rounds:
    """All rounds of one way; of each figure, the middle one counts."""

    def __init__(self, rounds: Sequence[Round]) -> None:
        self.per_second = median(each.rate.per_second for each in rounds)
        self.p50, self.p99 = (
            median(each.rate.times.percentile(percent) for each in rounds) for percent in (50, 99)
        )
        self.cpu_ms = median(each.cpu for each in rounds) * 1000
        self.busy_percent = median(each.busy for each in rounds) * 100


def figures(connections: int, gateway: Rounds, bare: Rounds, pod: Rounds) -> list[Figure]:
    """What was found with so many connections."""
    name = f"{connections} connection{'s' if connections > 1 else ''}"
    core = "% of a core"
    return [
        Figure(f"{name}: requests", gateway.per_second, bare.per_second, PROMISED, "/s"),
        Figure(f"{name}: CPU a request", gateway.cpu_ms, bare.cpu_ms),
        Figure(f"{name}: busy", gateway.busy_percent, bare.busy_percent, unit=core),
        Figure(f"{name}: requests, pod alone", pod.per_second, unit="/s"),
        Figure(f"{name}: p50, beside the pod alone", gateway.p50, pod.p50),
        Figure(f"{name}: p99, beside the pod alone", gateway.p99, pod.p99),
        Figure(f"{name}: p50, bare proxy beside the pod alone", bare.p50, pod.p50),
        Figure(f"{name}: p99, bare proxy beside the pod alone", bare.p99, pod.p99),
    ]
