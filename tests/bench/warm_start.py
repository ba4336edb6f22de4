"""What a session's start costs when a pod waits for it, on the control path: the API server, and an
operator that hears of the session, claims the pod and says so."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

import uvloop

from tests.bench.bare import Bare
from tests.bench.control_path import FLOOR, PLAY, ControlPath, control_path
from tests.bench.figure import Figure, Promise
from tests.bench.floor import Floor
from tests.bench.pool import filled
from tests.bench.stack import Stack
from tests.bench.starter import Start, Starter
from tests.bench.times import Times
from tests.bench.users import Users

NAME = "warm-start"
SUMMARY = (
    "A session's start while pods wait, from its creation until a watch shows it Ready, and "
    "(floor) the same three writes by a bare client; on kwok, about two minutes."
)
POOL = 320
WARM_UP = 10
ALONE = 60
PAUSE = 0.3
"""Seconds after each start, so that the refill that follows falls neither on the next nor on the
floor."""
RATES = {10: 100, 20: 100, 40: 200, 80: 200}
"""Starts a second, and how many in a round."""
ROUNDS = 5
"""At each rate, at moments of their own; all their starts count as one."""
FLOORS_BESIDE = 15
"""Floors before and after each rate."""
BURST = 300
BURSTS = 3
PROMISED = {
    "alone": Promise(1.7, of="ratio"),
    40: Promise(8, of="ratio"),
    "burst": Promise(2.0, of="ratio"),
}

T = TypeVar("T")


def measure(stack: Stack) -> list[Figure]:
    """All of it, on a control plane of the bench's own."""
    with control_path() as path:
        return uvloop.run(measure_on(path))


async def measure_on(path: ControlPath) -> list[Figure]:
    """All of it; nobody else uses that control path."""
    async with Bare(path.plane.api) as bare:
        players, others = Users(bare, PLAY), Users(bare, FLOOR)
        await players.add_game(warmPool={"size": POOL})
        await others.add_game()
        waiting = await filled(bare, PLAY, POOL)
        starter, floor = Starter(bare, players), Floor(bare, others)
        async with starter.watching():
            first = [await starter.start() for _ in range(WARM_UP)]
            await floor.prepare(BURST, waiting[0], first[-1].session["status"])
            bench = WarmStart(bare, players, starter, floor)
            return [*await bench.alone(), *await bench.rates(), *await bench.bursts()]


class WarmStart:
    """The parts of the bench. Each leaves the pool full and no session behind."""

    def __init__(self, bare: Bare, users: Users, starter: Starter, floor: Floor) -> None:
        self._bare = bare
        self._users = users
        self._starter = starter
        self._floor = floor

    async def alone(self) -> list[Figure]:
        """One start at a time, floor and start in turn."""
        await self._tidy()
        floors, starts = [], []
        for _ in range(ALONE):
            floors.append(await self._floor.start())
            await asyncio.sleep(PAUSE)
            starts.append(await self._starter.start())
            await asyncio.sleep(PAUSE)
        least, name = Times(floors), "one at a time"
        times = Times(each.seconds for each in starts)
        return [
            Figure(f"{name}, p50", times.percentile(50), least.percentile(50), PROMISED["alone"]),
            Figure(f"{name}, p90", times.percentile(90), least.percentile(90)),
            Figure(f"{name}, p99", times.percentile(99), least.percentile(99)),
            Figure(f"{name}, max", times.longest, least.longest),
            not_warm(name, starts),
        ]

    async def rates(self) -> list[Figure]:
        """Users who come when they come. The floor of each figure is the p50 of floors that were
        taken one at a time before and after."""
        figures = []
        for rate, count in RATES.items():
            await self._tidy()
            floors = [await self._floor.start() for _ in range(FLOORS_BESIDE)]
            rounds = []
            for number in range(ROUNDS):
                moments = random.Random(f"{rate} {number}")
                rounds.append(await at_random(self._starter.start, rate, count, moments))
                await filled(self._bare, PLAY, POOL, sessions=True)
            floors += [await self._floor.start() for _ in range(FLOORS_BESIDE)]
            figures += rate_figures(rate, rounds, Times(floors).percentile(50))
        return figures

    async def bursts(self) -> list[Figure]:
        """All at once, the floor's and the operator's in turn; of each the middle one counts."""
        floors, wholes, starts = [], [], []
        for _ in range(BURSTS):
            await self._tidy()
            floors.append((await at_once(self._floor.start, BURST))[0])
            await self._tidy()
            seconds, some = await at_once(self._starter.start, BURST)
            wholes.append(seconds)
            starts += some
        await self._tidy()
        least, whole, name = Times(floors), Times(wholes), f"{BURST} at once"
        promise = PROMISED["burst"]
        times = Times(each.seconds for each in starts)
        return [
            Figure(f"{name}, all Ready", whole.percentile(50), least.percentile(50), promise),
            Figure(f"{name}, all Ready, longest of {BURSTS}", whole.longest, least.longest),
            Figure(f"{name}, a single start, p50", times.percentile(50)),
            not_warm(name, starts),
        ]

    async def _tidy(self) -> None:
        await self._floor.restore()
        await self._users.clear()
        await filled(self._bare, PLAY, POOL)


def rate_figures(rate: int, rounds: Sequence[Sequence[Start]], least: float) -> list[Figure]:
    """What rounds of starts at one rate come to.

    Args:
        least: the floor, ms.
    """
    starts = [start for each in rounds for start in each]
    times, name = Times(each.seconds for each in starts), f"{rate} a second"
    tails = sorted(Times(each.seconds for each in some).percentile(99) for some in rounds)
    return [
        Figure(f"{name}, p50", times.percentile(50), least),
        Figure(f"{name}, p90", times.percentile(90), least),
        Figure(f"{name}, p99", times.percentile(99), least, PROMISED.get(rate)),
        Figure(f"{name}, p99, worst of {len(tails)} rounds", tails[-1], least),
        Figure(f"{name}, max", times.longest, least),
        not_warm(name, starts),
    ]


async def at_random(
    start: Callable[[], Awaitable[Start]], rate: float, count: int, moments: random.Random
) -> Sequence[Start]:
    """Starts that begin independently of each other (a Poisson process), whether or not those
    before are done.

    Args:
        moments: seeded alike in every run.
    """
    loop = asyncio.get_running_loop()
    at, started = loop.time(), []
    for _ in range(count):
        at += moments.expovariate(rate)
        await asyncio.sleep(max(0.0, at - loop.time()))
        started.append(asyncio.ensure_future(start()))
    return await asyncio.gather(*started)


async def at_once(start: Callable[[], Awaitable[T]], count: int) -> tuple[float, list[T]]:
    """Seconds until all were done that began together, and what each gave."""
    began = time.perf_counter()
    found = await asyncio.gather(*(start() for _ in range(count)))
    return time.perf_counter() - began, found


def not_warm(name: str, starts: Sequence[Start]) -> Figure:
    """How many got no pod that waited. They are in the times like the others."""
    count = sum(not each.is_warm for each in starts)
    return Figure(f"{name}, not warm of {len(starts)}", count, unit="starts")
