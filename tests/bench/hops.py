"""Where the time of a warm start goes, hop by hop."""

from __future__ import annotations

import asyncio
import json
from collections import defaultdict
from collections.abc import Iterable
from itertools import pairwise
from pathlib import Path

import uvloop

from tests.bench import traced
from tests.bench.bare import Bare
from tests.bench.control_path import PLAY, control_path
from tests.bench.figure import Figure
from tests.bench.pool import filled
from tests.bench.stack import Stack
from tests.bench.starter import Start, Starter
from tests.bench.times import Times
from tests.bench.users import Users
from tests.cluster.api import API

NAME = "warm-start-hops"
SUMMARY = "The steps of a warm start, one at a time, as the operator takes them; on kwok."
POOL = 20
WARM_UP = 10
STARTS = 60
PAUSE = 0.1
SENT = "creation sent"
SHOWN = "a watch shows Ready"
STEPS = (SENT, *traced.STEPS, SHOWN)


def measure(stack: Stack) -> list[Figure]:
    """The hops, on a control plane of the bench's own."""
    with control_path(traced.__name__) as path:
        starts = uvloop.run(started(path.plane.api))
        return figures(starts, path.directory / traced.FILE)


async def started(api: API) -> list[Start]:
    """Sessions that were started one at a time."""
    async with Bare(api) as bare:
        users = Users(bare, PLAY)
        await users.add_game(warmPool={"size": POOL})
        await filled(bare, PLAY, POOL)
        starter, starts = Starter(bare, users), []
        async with starter.watching():
            for _ in range(WARM_UP + STARTS):
                starts.append(await starter.start())
                await asyncio.sleep(PAUSE)
    return starts[WARM_UP:]


def figures(starts: Iterable[Start], trace: Path) -> list[Figure]:
    """From each step to the next, and the whole.

    Raises:
        OSError: the operator did not come by a step.
    """
    noted = notes(trace)
    lines = [timeline(start, noted[start.session["metadata"]["name"]]) for start in starts]

    def median(since: str, until: str) -> Figure:
        times = Times(line[until] - line[since] for line in lines)
        return Figure(f"{since} → {until}, p50", times.percentile(50))

    return [*(median(*hop) for hop in pairwise(STEPS)), median(SENT, SHOWN)]


def timeline(start: Start, noted: dict[str, float]) -> dict[str, float]:
    """Step → when it was taken."""
    line = {SENT: start.sent.timestamp(), **noted, SHOWN: start.shown.timestamp()}
    if missing := [step for step in STEPS if step not in line]:
        raise OSError(f"not noted of a start: {', '.join(missing)}")
    return line


def notes(trace: Path) -> dict[str, dict[str, float]]:
    """Session → step → when it was first taken."""
    found: defaultdict[str, dict[str, float]] = defaultdict(dict)
    for line in trace.read_text().splitlines():
        session, step, at = json.loads(line)
        found[session].setdefault(step, at)
    return found
