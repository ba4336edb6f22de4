"""The operator while the API server, or a watch, is out of its reach."""

from __future__ import annotations

import asyncio
import time

import pytest

from gamesession.kube import connection
from gamesession.kube.cluster import Cluster
from gamesession.kube.resources import PODS, SESSIONS
from tests.cluster.controlplane import ControlPlane
from tests.faults.proxy import Proxy
from tests.integration.condition import seconds_between
from tests.integration.operator_process import OperatorProcess
from tests.integration.playground import Playground

pytestmark = pytest.mark.integration

NOTICED_WITHIN = 45.0
"""Seconds (issue 3); contract and design leave it at a comparison every 30 s."""


async def lose_a_pod_and_a_session(playground: Playground, names: list[str]) -> str:
    """Delete the pod of the first session, and the second session; returns the pod's name."""
    pod = str(playground.status(names[0])["podName"])
    await playground.delete(PODS, pod)
    await playground.delete(SESSIONS, names[1])
    await playground.until_gone(names[1])
    await playground.until_podless(names[1])
    return pod


async def until_noticed(playground: Playground, names: list[str], pod: str) -> None:
    """Wait until the pod is replaced, and the session no longer counted."""
    began = time.monotonic()
    await playground.until(
        lambda: (
            playground.status(names[0])["phase"] == "Ready"
            and playground.status(names[0])["podName"] != pod
        ),
        deadline=NOTICED_WITHIN,
    )
    await playground.until(
        lambda: playground.games["chess"]["status"]["sessions"]["ready"] == 1,
        deadline=NOTICED_WITHIN + 5 - (time.monotonic() - began),  # counts: every five seconds
    )
    assert len(playground.living_pods_of(names[0])) == 1
    assert len(playground.made_pods(names[0])) == 2


async def test_what_vanished_while_the_watches_were_down_is_noticed(
    proxy: Proxy, playground: Playground, proxied_operator: OperatorProcess
) -> None:
    """Watches are cut and refused for a while, though requests go on."""
    proxied_operator.start()
    await proxied_operator.ready()
    await playground.create_game("chess")
    names = [await playground.create_session(user, "chess") for user in ("alice", "bob")]
    for name in names:
        await playground.until_phase(name, "Ready")
    proxy.watches_allowed = False
    proxy.cut()
    pod = await lose_a_pod_and_a_session(playground, names)
    await asyncio.sleep(3)
    proxy.watches_allowed = True
    await until_noticed(playground, names, pod)


async def test_what_vanished_while_the_api_server_was_away_is_noticed(
    proxy: Proxy, playground: Playground, proxied_operator: OperatorProcess
) -> None:
    """Nothing listens there for a while."""
    proxied_operator.start()
    await proxied_operator.ready()
    await playground.create_game("chess")
    names = [await playground.create_session(user, "chess") for user in ("alice", "bob")]
    for name in names:
        await playground.until_phase(name, "Ready")
    await proxy.down()
    pod = await lose_a_pod_and_a_session(playground, names)
    await asyncio.sleep(3)
    await proxy.up()
    await until_noticed(playground, names, pod)


async def test_a_restart_of_the_api_server_leaves_one_pod_each(
    control_plane: ControlPlane, playground: Playground, operator: OperatorProcess
) -> None:
    """It stops in the middle of many starts, without a warning; afterwards all goes on."""
    await operator.ready()
    await playground.create_game("chess")
    users = [f"user-{number}" for number in range(20)]
    names = [await playground.create_session(user, "chess") for user in users]
    await playground.until(lambda: len(playground.pods) >= 5)
    control_plane.restart("kube-apiserver")
    async with (
        Cluster(await connection.load(control_plane.kubeconfig), "test") as cluster,
        Playground(cluster, playground.namespace) as again,
    ):
        names.append(await again.create_session("late", "chess"))
        for name in names:
            await again.until_phase(name, "Ready")
            await again.until(lambda name=name: len(again.pods_of(name)) == 1)  # type: ignore[misc]


async def test_activity_kept_while_the_api_server_was_away_counts(
    proxy: Proxy, playground: Playground, proxied_operator: OperatorProcess
) -> None:
    """A gateway that could not write either writes a little after contact is back: a session
    whose deadline has come meanwhile is not ended before (DESIGN 4), but after the grace."""
    proxied_operator.start()
    await proxied_operator.ready()
    await playground.create_game("chess", session={"idleTimeout": "6s"})
    used, unused = [await playground.create_session(user, "chess") for user in ("alice", "bob")]
    await playground.until(lambda: playground.games["chess"]["status"]["sessions"]["ready"] == 2)
    for name in (used, unused):
        await playground.stamp(name)
    # From here on the operator has nothing to ask that would tell it of the loss by accident.
    await asyncio.sleep(1)
    await proxy.down()
    await asyncio.sleep(4)
    await proxy.up()
    await asyncio.sleep(2)  # the deadline passes
    stamp = await playground.stamp(used)
    gone = await playground.until_gone(unused)
    assert seconds_between(stamp, gone) < 6 + 1.5
    gone = await playground.until_gone(used)
    assert 6 <= seconds_between(stamp, gone) <= 6 + 2.5
