"""Several gateways share users: nothing is sticky, and any of them may come and go.

Gateways and operator are processes of their own, the API server is real, pods answer
(`tests/integration/node.py`).
"""

from __future__ import annotations

import asyncio
import random
import re
import signal
from collections import Counter
from collections.abc import AsyncIterator
from itertools import pairwise
from pathlib import Path

import aiohttp
import pytest

from gamesession.api.names import session_name
from tests.cluster.controlplane import ControlPlane
from tests.eventually import eventually
from tests.integration.crowd import Answer, Record, User
from tests.integration.gateway_process import GatewayProcess
from tests.integration.kubelet import BY_HAND
from tests.integration.node import Node
from tests.integration.operator_process import OperatorProcess
from tests.integration.playground import Playground

pytestmark = pytest.mark.integration

USERS = 200
BURSTS, BURST = 5, 10
"""Every user's requests: 10,000 in all."""
SECONDS = 60.0
TIMEOUT = 10.0
WITHIN = 0.5 * TIMEOUT
"""Seconds: who comes back after less meets the same pod, whichever gateway was killed meanwhile."""
SWIFT = 0.5
"""Seconds that a request to a running pod takes at most on a machine that keeps up."""


@pytest.fixture
async def node(playground: Playground) -> AsyncIterator[Node]:
    """What runs the pods of the test."""
    async with Node(playground, playground.cluster) as found:
        yield found


@pytest.fixture
async def gateways(
    control_plane: ControlPlane, namespace: str, tmp_path: Path
) -> AsyncIterator[list[GatewayProcess]]:
    """Three replicas. They run."""
    settings = {
        "GAMESESSION_SHUTDOWN_DELAY": "3s",
        # A slow machine must not turn a test red.
        "GAMESESSION_SHUTDOWN_GRACE": "100s",
        "GAMESESSION_HOLD": "100s",
        "GAMESESSION_CONNECT_TIMEOUT": "100s",
    }
    found = [
        GatewayProcess(
            control_plane.kubeconfig, namespace, tmp_path / f"gateway-{number}.log", **settings
        )
        for number in range(3)
    ]
    for gateway in found:
        gateway.start()
    for gateway in found:
        await gateway.ready()
    yield found
    for gateway in found:
        gateway.kill()
        assert gateway.bugs() == []


async def test_ten_thousand_requests_while_replicas_come_and_go(
    playground: Playground,
    operator: OperatorProcess,
    gateways: list[GatewayProcess],
    node: Node,
) -> None:
    """One gateway is killed, one stopped, the operator killed; sessions end by idling all the
    while. Nobody gets an answer but of a pod of their own; only what was under way at the gateway
    that was killed may be lost."""
    await operator.ready()
    await playground.create_game(
        "chess",
        template=BY_HAND,
        session={"idleTimeout": f"{TIMEOUT:g}s"},
        limits={"maxPending": 2 * USERS},
    )
    record, killed = Record(), set[str]()
    urls = [gateway.url for gateway in gateways]
    connector = aiohttp.TCPConnector(limit=0)
    timeout = aiohttp.ClientTimeout(total=120)
    try:
        async with (
            asyncio.timeout(400),
            aiohttp.ClientSession(connector=connector, timeout=timeout) as http,
            asyncio.TaskGroup() as tasks,
        ):
            users = (
                User(f"user-{number}", "chess", urls, http, record, killed)
                for number in range(USERS)
            )
            playing = [tasks.create_task(user.play(pauses())) for user in users]
            restarting = tasks.create_task(restart(operator))
            happening = tasks.create_task(havoc(operator, gateways, urls, killed))
            await asyncio.wait([*playing, happening])
            restarting.cancel()
    finally:
        report(record, node)
    assert not record.wrong, "\n".join(record.wrong[:50])
    assert record.unavailable <= sum(map(timeouts, gateways)), record.unavailable
    assert len(record.answers) == USERS * BURSTS * BURST
    if max(each.seconds for each in record.answers if each.start == "reused") < SWIFT:
        assert not torn(record.answers)
    assert all(len(pod.users) <= 1 for pod in node.pods.values())
    assert names(playground) == {session_name("chess", f"user-{n}") for n in range(USERS)}
    # Otherwise it says little.
    assert len({answer.session for answer in record.answers}) > 1.1 * USERS
    assert len({answer.url for answer in record.answers}) == 5
    assert record.refused > 100


async def test_a_second_signal_ends_a_gateway_at_once(
    control_plane: ControlPlane, namespace: str, tmp_path: Path
) -> None:
    """After the first one it would stay for those who still come."""
    settings = {"GAMESESSION_SHUTDOWN_DELAY": "1h"}
    gateway = GatewayProcess(control_plane.kubeconfig, namespace, tmp_path / "log", **settings)
    gateway.start()
    try:
        await gateway.ready()
        gateway.ask_to_end()
        await eventually(lambda: says_no(gateway))
        assert await asyncio.to_thread(gateway.stop) == 128 + signal.SIGTERM
    finally:
        gateway.kill()


async def says_no(gateway: GatewayProcess) -> bool:
    """Whether a gateway that runs is not ready."""
    return not await gateway.is_ready()


def pauses() -> list[float]:
    """How long one user waits before each request: bursts, and pauses about as long as the idle
    timeout between them."""
    found = []
    for number in range(BURSTS):
        found.append(random.uniform(5.0, 14.0) if number else random.uniform(0.0, 10.0))
        found.extend(min(random.expovariate(1 / 0.3), 1.5) for _ in range(BURST - 1))
    # As long for each of them.
    return [each * SECONDS / sum(found) for each in found]


async def restart(operator: OperatorProcess) -> None:
    """Start the operator again whenever it has ended, as its Deployment would. (It ends by itself,
    too, where it gets so little CPU that it cannot hold its Lease.)"""
    while True:
        if not operator.alive:
            operator.start()
        await asyncio.sleep(0.2)


async def havoc(
    operator: OperatorProcess, gateways: list[GatewayProcess], urls: list[str], killed: set[str]
) -> None:
    """All that happens within the minute. New gateways get users when they are ready."""
    first, second, _ = gateways
    await asyncio.sleep(10)
    killed.add(first.url)
    first.kill()
    await asyncio.sleep(8)
    operator.kill()
    await asyncio.sleep(8)
    assert await asyncio.to_thread(second.stop, 150) == 0
    await asyncio.sleep(6)
    for number in (0, 1):
        gateways[number].start()
        await gateways[number].ready()
        urls[number] = gateways[number].url


def timeouts(gateway: GatewayProcess) -> int:
    """How many of its calls the API server did not answer in 5 s. Nothing here is to blame for that
    but a machine that has too much to do."""
    lines = gateway.lines("API server does not do what was asked")
    return sum("TimeoutError" in line["error"] for line in lines)


def torn(answers: list[Answer]) -> list[tuple[Answer, Answer]]:
    """Two answers to one user, one soon after the other, of different pods."""
    of_user: dict[str, list[Answer]] = {}
    for answer in answers:
        of_user.setdefault(answer.user, []).append(answer)
    return [
        (before, after)
        for each in of_user.values()
        for before, after in pairwise(each)
        if after.ended - before.ended < WITHIN and after.pod != before.pod
    ]


def names(playground: Playground) -> set[str]:
    """The names of all sessions that there ever were: one for each user, so nobody had two."""
    return {change.object["metadata"]["name"] for change in playground.history["gamesessions"]}


def report(record: Record, node: Node) -> None:
    """Figures, for who runs it with `-s`."""
    sessions = len({answer.session for answer in record.answers})
    for what, times in Counter(
        re.sub(r"\d+|[0-9a-f]{32}", "", each.partition(": ")[2]) for each in record.wrong
    ).most_common():
        print(f"{times} times: {what}")
    running = sorted(each.seconds for each in record.answers if each.start == "reused")
    print(
        f"of running pods: median {running[len(running) // 2]:.3f} s, slowest {running[-1]:.3f} s"
    )
    print(
        f"{len(record.answers)} answers, {sessions} sessions, {len(node.pods)} pods;"
        f" {record.lost} lost with the killed gateway, {record.refused} connections refused,"
        f" {record.unavailable} times the API server took too long"
    )
