"""Three replicas of the gateway, in pods of their own: users belong to none of them, and any of
them may go. (`tests/integration/test_replicas.py` has more users, and kills.)"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from itertools import pairwise
from typing import Any

import aiohttp
import pytest

from demo.target import SYSTEM
from gamesession.kube.cluster import Cluster
from gamesession.kube.resources import PODS
from tests.e2e.arcade import Arcade
from tests.e2e.gateway import Gateway
from tests.e2e.replica import replica
from tests.e2e.stack import Stack, name_of
from tests.e2e.test_websockets import end_of
from tests.e2e.user import Answer, User
from tests.eventually import eventually
from tests.integration.condition import seconds_between
from tests.integration.follower import Follower

pytestmark = pytest.mark.e2e

NAME = "e2e-replicas"
LABEL = f"app.kubernetes.io/name={NAME}"
TIMEOUT = 5.0


@pytest.fixture(scope="module")
def url(stack: Stack) -> Iterator[str]:
    """The URL of all three."""
    with replica(stack, {}, name=NAME, count=3) as found:
        yield found
        assert "request failed" not in stack.kubectl(
            *("-n", SYSTEM, "logs", "-l", LABEL, "--tail=-1", "--prefix")
        )


@pytest.fixture
async def pods(cluster: Cluster) -> AsyncIterator[Follower]:
    """The replicas' pods."""
    found = Follower(cluster, PODS, SYSTEM, lambda: None, selector=LABEL)
    await found.start()
    yield found
    await found.stop()


@pytest.fixture
async def replicas(url: str, pods: Follower) -> AsyncIterator[list[Gateway]]:
    """Each of them at its pod's address."""
    running = [pod for pod in pods.objects.values() if "deletionTimestamp" not in pod["metadata"]]
    assert len(running) == 3
    async with AsyncExitStack() as stack:
        yield [
            await stack.enter_async_context(Gateway.at(f"http://{pod['status']['podIP']}:8080"))
            for pod in running
        ]


async def test_a_session_is_of_all_of_them(arcade: Arcade, replicas: list[Gateway]) -> None:
    """What one opens, the others serve at once; what one closes is closed for all."""
    user = arcade.user("alice", await arcade.open())
    one, two, three = (user.at(gateway) for gateway in replicas)
    opened = (await one.post("/session/open")).json
    first = await two.get_patiently()
    assert first.session_id == opened["session_id"]
    assert (await three.get()).pod == first.pod
    assert (await three.post("/session/close")).json == {"success": True, "closed": True}
    for each in (one, two):
        await eventually(lambda each=each: is_over(each))  # type: ignore[misc]
        assert (await each.post("/session/close")).json["closed"] is False
    again = await one.get_patiently()
    assert again.pod != first.pod
    assert (await two.get()).pod == again.pod


async def is_over(user: User) -> bool:
    """Whether a gateway knows of no session."""
    status = await user.get("/session/status")
    return not status.json["has_session"]


async def test_users_who_hop_have_one_session_each(arcade: Arcade, replicas: list[Gateway]) -> None:
    """From their first requests on, which come to all at once."""
    users = arcade.users(15, await arcade.open())

    async def play(user: User) -> None:
        first = await asyncio.gather(*(user.at(each).get_patiently() for each in replicas))
        rest = [await user.at(random.choice(replicas)).get() for _ in range(20)]
        assert len({answer.pod for answer in (*first, *rest)}) == 1
        assert rest[-1].json["users"] == [user.name]

    await asyncio.gather(*map(play, users))
    for user in users:
        assert len(arcade.ground.made_pods(arcade.session_of(user))) == 1


async def test_what_was_used_at_one_is_not_idle_for_another(
    arcade: Arcade, replicas: list[Gateway]
) -> None:
    """Each of them alone sees the user less often than the timeout allows."""
    user = arcade.user("alice", await arcade.open(session={"idleTimeout": f"{TIMEOUT:g}s"}))
    answers = [await user.at(replicas[0]).get_patiently()]
    for number in range(1, 9):
        await asyncio.sleep(0.4 * TIMEOUT)
        answers.append(await user.at(replicas[number % 3]).get())
    gaps = [seconds_between(before.ended, after.ended) for before, after in pairwise(answers)]
    if max(gaps) < 0.9 * TIMEOUT:  # else the machine was too slow to say anything
        assert len({answer.pod for answer in answers}) == 1


async def test_one_that_stops_finishes_what_it_has(
    arcade: Arcade, stack: Stack, replicas: list[Gateway], pods: Follower
) -> None:
    """An answer that takes its time is given, events end whole, a WebSocket is told to connect
    again, and does, at another replica, which leads to the same pod. The process ends with 0."""
    user = arcade.user("alice", await arcade.open())
    before = await user.get_patiently()
    leaving, other = replicas[:2]
    name = next(
        name_of(pod) for pod in pods.objects.values() if pod["status"]["podIP"] in leaving.url
    )
    guest = user.at(leaving)
    async with (
        guest.connect("/play") as socket,
        guest.stream("GET", "/events") as events,
    ):
        slow = asyncio.create_task(guest.get("/slow?seconds=8"))
        assert await events.content.readexactly(9) == b"data: 1\n\n"
        stack.kubectl("-n", SYSTEM, "delete", "pod", name, "--wait=false")
        assert await events.content.read() == b""
        assert await end_of(socket) == (1012, "This gateway is stopping: connect again.")
        async with user.at(other).connect("/play") as again:
            assert again._response.headers["X-Game-Start"] == "reused"
        assert (await slow).pod == before.pod

    async def ended() -> bool:
        assert name not in pods.objects
        return True

    await eventually(ended, deadline=90)
    assert exit_code(pods, name) == 0


def exit_code(pods: Follower, name: str) -> int | None:
    """How a pod's process ended, by the last that its kubelet said."""
    codes = [
        status["state"]["terminated"]["exitCode"]
        for change in pods.history
        if name_of(change.object) == name
        for status in change.object["status"].get("containerStatuses", [])
        if "terminated" in status["state"]
    ]
    return codes[-1] if codes else None


async def test_replacing_all_of_them_disturbs_nobody(
    arcade: Arcade, stack: Stack, url: str, pods: Follower
) -> None:
    """Users go on through the Service, some over connections that they keep, some over a new one
    for each request; every request is answered by the user's own pod."""
    users = arcade.users(8, await arcade.open())
    first = {user.name: (await user.get_patiently()).pod for user in users}
    over = asyncio.Event()
    old = set(pods.objects)

    async def play(user: User, keeps: bool) -> list[Answer]:
        answers = []
        connector = aiohttp.TCPConnector(limit=0, force_close=not keeps)
        async with aiohttp.ClientSession(connector=connector) as http:
            guest = user.at(Gateway(url, http))
            while not over.is_set():
                answers.append(await guest.get())
                await asyncio.sleep(0.05)
        return answers

    playing = [
        asyncio.create_task(play(user, keeps=bool(number % 2))) for number, user in enumerate(users)
    ]
    rollout: Any = ("-n", SYSTEM, "rollout")
    stack.kubectl(*rollout, "restart", f"deployment/{NAME}")
    await asyncio.to_thread(
        stack.kubectl, *rollout, "status", f"deployment/{NAME}", "--timeout=180s"
    )

    async def replaced() -> bool:
        return not old & set(pods.objects)

    await eventually(replaced, deadline=90)
    over.set()
    for user, answers in zip(users, await asyncio.gather(*playing), strict=True):
        assert {answer.pod for answer in answers} == {first[user.name]}
    assert {exit_code(pods, name) for name in old} == {0}
