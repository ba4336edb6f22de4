"""Two operators with one Lease: one acts, and the other once it no longer does."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest

from tests.cluster.controlplane import ControlPlane
from tests.eventually import eventually
from tests.faults.proxy import Proxy
from tests.integration.operator_process import OperatorProcess
from tests.integration.playground import Playground

pytestmark = pytest.mark.integration

PATIENCE = 90.0
"""Seconds. A handover takes twelve: the Lease's ten, and the standby's next look."""
HANDOVER = 15.0
"""Seconds that a start may be kept waiting by a change of leaders (issue 6)."""


@dataclass
class Pair:
    """Two operators; what the first asks goes through a proxy of its own."""

    first: OperatorProcess
    second: OperatorProcess

    async def start(self) -> None:
        """The first leads, the second stands by."""
        self.first.start()
        await self.first.ready()
        assert self.first.lines("leading")
        self.second.start()
        await eventually(lambda: told(self.second, "standing by"))
        assert await self.second.is_ready()


@pytest.fixture
def pair(
    control_plane: ControlPlane, proxy: Proxy, namespace: str, tmp_path: Path
) -> Iterator[Pair]:
    """Neither runs yet."""
    first = OperatorProcess(proxy.kubeconfig, namespace, tmp_path / "first", identity="first")
    second = OperatorProcess(
        control_plane.kubeconfig, namespace, tmp_path / "second", identity="second"
    )
    yield Pair(first, second)
    for each in (first, second):
        each.kill()
        assert each.bugs() == []


async def test_sigterm_hands_over_at_once(pair: Pair, playground: Playground) -> None:
    await pair.start()
    await playground.create_game("chess")
    alice = await playground.create_session("alice", "chess")
    await playground.until_phase(alice, "Ready")
    assert pair.first.stop() == 0
    await check_second_leads(pair, playground, alice)


async def test_sigterm_ends_one_that_stands_by(pair: Pair) -> None:
    await pair.start()
    assert pair.second.stop() == 0
    assert pair.first.alive


async def test_a_leader_that_is_killed_is_followed(pair: Pair, playground: Playground) -> None:
    await pair.start()
    await playground.create_game("chess")
    alice = await playground.create_session("alice", "chess")
    await playground.until_phase(alice, "Ready")
    pair.first.kill()
    await check_second_leads(pair, playground, alice)


async def test_a_leader_that_was_paused_ends_when_it_wakes(
    pair: Pair, playground: Playground, proxy: Proxy
) -> None:
    await pair.start()
    await playground.create_game("chess")
    alice = await playground.create_session("alice", "chess")
    await playground.until_phase(alice, "Ready")
    pair.first.pause()
    await check_second_leads(pair, playground, alice)
    asked = len(proxy.writes)
    pair.first.wake()
    await eventually(lambda: ended(pair.first))
    # A renewal may be among what it wakes up with; it is refused.
    assert {each.what for each in proxy.writes[asked:]} <= {"patch leases"}


async def test_a_leader_that_is_cut_off_ends(
    pair: Pair, playground: Playground, proxy: Proxy
) -> None:
    await pair.start()
    await playground.create_game("chess")
    alice = await playground.create_session("alice", "chess")
    await playground.until_phase(alice, "Ready")
    await proxy.down()
    await eventually(lambda: ended(pair.first), deadline=PATIENCE)
    await check_second_leads(pair, playground, alice)


async def test_a_new_version_takes_over_without_a_gap(
    control_plane: ControlPlane, playground: Playground, tmp_path: Path
) -> None:
    """As a Deployment of two rolls: one more starts, and when it says that it is ready, an old one
    is asked to end, twice over. Sessions that start all the while hardly notice."""
    rollout = Rollout(control_plane.kubeconfig, playground.namespace, tmp_path)
    old = [await rollout.begin(f"old-{number}") for number in range(2)]
    await playground.create_game("chess", limits={"maxPending": 1000})
    waits: list[float] = []
    starting = asyncio.create_task(start_sessions(playground, waits))
    try:
        for number in range(2):
            await rollout.begin(f"new-{number}")
            assert await asyncio.to_thread(old[number].stop) == 0
        await eventually(rollout.is_over)
        await eventually(partial(more_than, waits, len(waits) + 20))
        assert rollout.leaders()[0] == "old-0"
    finally:
        starting.cancel()
        await asyncio.gather(starting, return_exceptions=True)
        rollout.end()
    print(f"{rollout.leaders()} led; {len(waits)} starts, the slowest took {max(waits):.1f} s")
    assert max(waits) < HANDOVER


class Rollout:
    """Operators that come and go."""

    def __init__(self, kubeconfig: Path, namespace: str, directory: Path) -> None:
        self._kubeconfig = kubeconfig
        self._namespace = namespace
        self._directory = directory
        self._all: dict[str, OperatorProcess] = {}

    async def begin(self, name: str) -> OperatorProcess:
        """One more, once it says that it is ready."""
        process = self._all[name] = OperatorProcess(
            self._kubeconfig, self._namespace, self._directory / name, identity=name
        )
        process.start()
        await process.ready()
        return process

    def leaders(self) -> list[str]:
        """Who led, in order."""
        led = [
            (line["timestamp"], name)
            for name, process in self._all.items()
            for line in process.lines("leading")
        ]
        return [name for _, name in sorted(led)]

    async def is_over(self) -> bool:
        """Whether the last to take the lead is a new one."""
        return self.leaders()[-1].startswith("new")

    def end(self) -> None:
        """Kill whichever runs."""
        for process in self._all.values():
            process.kill()
            assert process.bugs() == []


async def start_sessions(playground: Playground, waits: list[float]) -> None:
    """Start a session five times a second, for ever; notes how long each took."""

    async def start(number: int) -> None:
        began = time.monotonic()
        name = await playground.create_session(f"user-{number}", "chess")
        await playground.until_phase(name, "Ready", deadline=PATIENCE)
        waits.append(time.monotonic() - began)

    async with asyncio.TaskGroup() as tasks:
        for number in itertools.count():
            tasks.create_task(start(number))
            await asyncio.sleep(0.2)


async def more_than(waits: list[float], number: int) -> bool:
    return len(waits) > number


async def check_second_leads(pair: Pair, playground: Playground, before: str) -> None:
    """Another session starts; the one there was keeps its pod."""
    pod = playground.status(before)["podUID"]
    name = await playground.create_session("bob", "chess")
    await playground.until_phase(name, "Ready", deadline=PATIENCE)
    assert pair.second.lines("leading")
    assert playground.status(before)["podUID"] == pod
    assert len(playground.made_pods(before)) == len(playground.made_pods(name)) == 1


async def told(process: OperatorProcess, event: str) -> bool:
    return bool(process.lines(event))


async def ended(process: OperatorProcess) -> bool:
    return not process.alive
