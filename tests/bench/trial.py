"""One number of sessions: an operator is started among them, watched at rest and at work, and ends
those whose time comes."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import cycle
from typing import Any, Final

from gamesession.api.labels import ROLE_LABEL
from gamesession.kube.resources import PODS, SESSIONS
from tests.bench.bare import Bare
from tests.bench.operator_process import OperatorProcess
from tests.bench.pace import at_rate, until
from tests.bench.population import Population, at_once
from tests.bench.times import Times
from tests.bench.watcher import Watcher, has_condition_ready

IDLE_TIMEOUT: Final = timedelta(hours=1)
PATIENCE: Final = 120.0
FEW_WRITES: Final = 20
SETTLE_SECONDS: Final = 10.0
"""After its start an operator looks at every session once: that is no rest."""
REST_SECONDS: Final = 34.0
"""The operator compares all it knows with the API server every 32 s: once in this time."""
ACTIVE_PART: Final = 100
ACTIVE_SECONDS: Final = 20.0
WRITE_EVERY: Final = 5.0
"""Seconds between two activity writes of a session in use: a gateway's, for a timeout of 50 s."""
ENDS: Final = 800
PER_SECOND: Final = 20.0
BARE_ENDS: Final = 200
FIRST_END: Final = 20.0
"""Seconds from when sessions are told of their deadlines to the first of these."""


@dataclass(frozen=True)
class Use:
    """What a process used for a while.

    Attributes:
        memory: the largest resident set seen, MiB.
        cpu: % of a core.
    """

    memory: float
    cpu: float


@dataclass(frozen=True)
class Result:
    """What was measured with one number of sessions.

    Attributes:
        start: seconds from the operator's start to the first new session that is Ready.
        list_all: seconds for a bare client to list what the operator must know.
        late: of idle ends, after the deadline.
        bare_late: of deletions by a bare client at the same rate, after their time.
    """

    size: int
    start: float
    list_all: float
    rest: Use
    active: Use
    late: Times
    bare_late: Times


class Trial:
    """An operator among so many sessions. It must not run when this begins, nor does it after."""

    def __init__(
        self, bare: Bare, operator: OperatorProcess, population: Population, namespace: str
    ) -> None:
        self._bare = bare
        self._operator = operator
        self._population = population
        self._namespace = namespace
        self._sessions = Watcher(bare, SESSIONS, namespace, has_condition_ready)

    async def measure(self, size: int) -> Result:
        """Measure it.

        Raises:
            OSError: something that must happen did not.
        """
        await self._population.grow(size)
        async with self._sessions.watching():
            list_all = await self._list_all()
            start = await self._start()
            await asyncio.sleep(SETTLE_SECONDS)
            await self._check_idle()
            rest = await self._use_while(asyncio.sleep(REST_SECONDS))
            names = list(self._population.uids)
            active = await self._use_while(self._activity(names[-size // ACTIVE_PART :]))
            late = await self._ends(names[:ENDS])
            self._operator.kill()
            bare_late = await self._bare_ends(names[-BARE_ENDS:])
        return Result(size, start, list_all, rest, active, late, bare_late)

    # Starting -----------------------------------------------------------------------------------

    async def _list_all(self) -> float:
        begun = time.monotonic()
        await self._bare.list(SESSIONS, self._namespace)
        await self._bare.list(PODS, self._namespace, ROLE_LABEL)
        return time.monotonic() - begun

    async def _start(self) -> float:
        """From the operator's start until a session that is created at that moment is Ready."""
        begun = datetime.now(UTC)
        self._operator.start()
        made = await self._population.create()
        name: str = made["metadata"]["name"]
        async with asyncio.timeout(PATIENCE):
            await self._sessions.until_ready(name)
        await self._bare.delete(SESSIONS.path(self._namespace, name), made["metadata"]["uid"])
        return (self._sessions.ready_at[name] - begun).total_seconds()

    # Using --------------------------------------------------------------------------------------

    async def _use_while(self, work: Coroutine[Any, Any, object]) -> Use:
        """What the operator uses while something else is done."""
        begun, cpu = time.monotonic(), self._operator.cpu()
        task, most = asyncio.create_task(work), 0.0
        while not task.done():
            await asyncio.wait([task], timeout=1)
            self._operator.check()
            most = max(most, self._operator.memory())
        await task
        return Use(most, 100 * (self._operator.cpu() - cpu) / (time.monotonic() - begun))

    async def _check_idle(self) -> None:
        """What was made for the operator must be as it would have made it: else it is not at rest.

        Raises:
            OSError: it has written more than one start takes.
        """
        if (writes := await self._operator.writes()) > FEW_WRITES:
            raise OSError(f"an operator that had one session to start wrote {writes} times")

    async def _activity(self, names: Sequence[str]) -> None:
        """Write the activity of these sessions as gateways do, one after the other."""
        rate = len(names) / WRITE_EVERY
        steps = [
            partial(self._stamp_now, name)
            for name, _ in zip(cycle(names), range(round(rate * ACTIVE_SECONDS)), strict=False)
        ]
        await at_rate(steps, rate)

    async def _stamp_now(self, name: str) -> None:
        await self._population.stamp(name, datetime.now(UTC))

    # Ending -------------------------------------------------------------------------------------

    async def _ends(self, names: Sequence[str]) -> Times:
        """How late sessions go whose deadlines come one after the other."""
        first = datetime.now(UTC) + timedelta(seconds=FIRST_END)
        deadlines = {
            name: first + timedelta(seconds=number / PER_SECOND)
            for number, name in enumerate(names)
        }
        await at_once(self._population.end_at(*each) for each in deadlines.items())
        if datetime.now(UTC) > first:
            raise OSError("the first session was to end before all were told when")
        await until(max(deadlines.values()))
        async with asyncio.timeout(PATIENCE):
            await self._sessions.until_gone(deadlines)
        self._operator.check()
        for name in names:
            del self._population.uids[name]
        return self._late(deadlines)

    async def _bare_ends(self, names: Sequence[str]) -> Times:
        """How late sessions go that a bare client deletes at that rate."""
        steps = [partial(self._population.delete, name) for name in names]
        times = dict(zip(names, await at_rate(steps, PER_SECOND), strict=True))
        async with asyncio.timeout(PATIENCE):
            await self._sessions.until_gone(times)
        return self._late(times)

    def _late(self, times: dict[str, datetime]) -> Times:
        gone_at = self._sessions.gone_at
        return Times((gone_at[name] - at).total_seconds() for name, at in times.items())
