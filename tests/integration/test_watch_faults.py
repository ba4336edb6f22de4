"""Every way in which an operator's watches can die: it notices within a minute, and recovers.

Each case has an operator with a proxy and a namespace of its own, and all go on at once: some of
them last for two minutes.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path

import aiohttp
import pytest

from gamesession.kube.cluster import Cluster
from gamesession.kube.resources import GAMES, PODS, SESSIONS
from tests.cluster.controlplane import ControlPlane
from tests.eventually import eventually
from tests.faults.fault import refused
from tests.faults.past import Past
from tests.faults.proxy import Proxy
from tests.integration.condition import condition
from tests.integration.deafness import FAULTS, GONE, NOTICED, OUTAGE, end_with, hush
from tests.integration.listener import Case, Listener, all_at_once, listening, look_at
from tests.integration.operator_process import OperatorProcess

pytestmark = pytest.mark.integration


async def two_play(case: Listener) -> tuple[str, str]:
    """Two sessions that run; returns their names."""
    if "chess" not in case.playground.games:
        await case.playground.create_game("chess")
    alice, bob = [await case.playground.create_session(user, "chess") for user in ("alice", "bob")]
    for name in (alice, bob):
        await case.playground.until_phase(name, "Ready")
    await case.playground.until(lambda: counts(case) == {"ready": 2})
    return alice, bob


def counts(case: Listener) -> dict[str, int]:
    """How many sessions the operator counts, by phase."""
    found = case.playground.games["chess"]["status"]["sessions"]
    return {phase: number for phase, number in found.items() if number}


async def everything_changes(case: Listener, alice: str, bob: str) -> Callable[[], bool]:
    """Something comes, something goes, something changes; returns whether the operator knows."""
    playground = case.playground
    pod = playground.status(alice)["podName"]
    await playground.delete(PODS, str(pod))
    await playground.delete(SESSIONS, bob)
    carol = await playground.create_session("carol", "chess")
    game = await playground.cluster.get(GAMES, playground.namespace, "chess")
    await playground.change_game("chess", services=game["spec"]["services"][:1])

    def known() -> bool:
        now = playground.status(alice)
        accepted = condition(playground.games["chess"], "Accepted") or {}
        return (
            playground.status(carol)["phase"] == now["phase"] == "Ready"
            and now["podName"] != pod
            and accepted["observedGeneration"] > game["metadata"]["generation"]
            and counts(case) == {"ready": 2}
        )

    return known


# The cases --------------------------------------------------------------------------------------


async def strike(case: Listener, fault: Callable[[Proxy], Awaitable[None]]) -> None:
    """The watches die at once; all that happens then is noticed."""
    alice, bob = await two_play(case)
    await fault(case.proxy)
    known = await everything_changes(case, alice, bob)
    await case.playground.until(known, deadline=NOTICED)
    await case.until_well()
    assert case.false_alarms == []


async def refuse_lists_for_two_minutes(case: Listener) -> None:
    """And the watches are to be begun anew: they cannot."""
    alice, bob = await two_play(case)
    case.proxy.add(lambda request: request.verb == "list", refused(500), times=1_000_000)
    await end_with(case.proxy, GONE)
    known = await everything_changes(case, alice, bob)
    ends = asyncio.get_running_loop().time() + OUTAGE
    await case.until(lambda look: "the API server does not answer" in look.words and not look.ready)
    await case.until(lambda look: min(look.ages.values()) > NOTICED)
    await asyncio.sleep(ends - asyncio.get_running_loop().time())
    assert not known()
    case.proxy.clear()
    await case.playground.until(known, deadline=NOTICED)
    await case.until_well()
    assert all(look.healthy for look in case.looks), "a new process would have heard no more"


async def lag_behind(case: Listener) -> None:
    """For a minute lists and watches show what was before two played, who play on."""
    past = Past(case.proxy)
    await case.playground.create_game("chess")
    await case.until_compared()
    await past.look()
    alice, bob = await two_play(case)
    past.begin()
    await case.until_compared()
    assert case.process.lines("list is stale")
    assert case.process.lines("missed a deletion") == []
    known = await everything_changes(case, alice, bob)
    past.end()
    await case.playground.until(known, deadline=NOTICED)
    await case.until_well()


async def nothing_happens(case: Listener) -> None:
    """Silent watches of objects that nobody changes: they are given up all the same."""
    await two_play(case)
    await hush(case.proxy)
    silent = set(case.proxy.watches())

    async def given_up() -> bool:
        return not silent & set(case.proxy.watches())

    await eventually(given_up, deadline=NOTICED)
    await case.until_well()
    assert case.false_alarms == []


CASES: dict[str, Case] = {
    "lists that fail": refuse_lists_for_two_minutes,
    "stale lists": lag_behind,
    "silent where nothing happens": nothing_happens,
    **{name: partial(strike, fault=fault) for name, fault in FAULTS.items()},
}


async def test_every_death_of_a_watch_is_noticed_within_a_minute_and_healed(
    control_plane: ControlPlane, cluster: Cluster, tmp_path: Path
) -> None:
    await all_at_once(
        CASES, lambda way: listening(control_plane, cluster, way, OperatorProcess), tmp_path
    )


async def test_a_standby_outlives_an_api_server_that_is_away_and_leads_when_it_is_its_turn(
    proxy: Proxy, namespace: str, operator: OperatorProcess, tmp_path: Path
) -> None:
    """It has nothing to hear, and another process would not do better."""
    standby = OperatorProcess(proxy.kubeconfig, namespace, tmp_path / "log", identity="second")
    await operator.ready()
    standby.start()
    try:
        await eventually(lambda: told(standby, "standing by"))
        await proxy.down()
        await eventually(lambda: told(standby, "lease not renewed", 8))
        async with aiohttp.ClientSession() as client:
            look = await look_at(client, standby.admin)
        assert look.healthy
        assert look.ready
        assert look.ages == {}, "it watches nothing"
        await proxy.up()
        assert operator.stop() == 0
        await eventually(lambda: told(standby, "leading"))
    finally:
        standby.kill()
    assert standby.bugs() == []


async def told(process: OperatorProcess, event: str, times: int = 1) -> bool:
    """Whether its log says so, that often."""
    return len(process.lines(event)) >= times
