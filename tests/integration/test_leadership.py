"""Two operators with one Lease: one acts, and the other once it no longer does."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
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
