"""A second release of the chart, from its installation to its end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager

import aiohttp
import pytest

from gamesession.kube.cluster import Cluster
from tests.cluster.waiting import wait_for
from tests.e2e.arcade import Arcade
from tests.e2e.gateway import Gateway
from tests.e2e.release import GAMES, Release, second_release
from tests.e2e.stack import Stack
from tests.e2e.user import Answer, User
from tests.eventually import eventually
from tests.integration.playground import Playground

pytestmark = pytest.mark.e2e

USERS = 20
GONE = 90.0
"""Seconds in which Kubernetes collects what belonged to what was deleted."""


@pytest.fixture(scope="module")
def release(stack: Stack) -> Iterator[Release]:
    """The second release."""
    with second_release(stack) as found:
        yield found


@pytest.fixture
async def second(release: Release, cluster: Cluster) -> AsyncIterator[Arcade]:
    """Games of the second release."""
    async with Playground(cluster, GAMES) as ground, Gateway.at(release.url) as gateway:
        arcade = Arcade(release.stack, ground, gateway)
        yield arcade
        await arcade.close()


def test_it_passes_its_own_test(release: Release) -> None:
    """`helm test`, as the notes recommend."""
    assert "Phase:          Succeeded" in release.test()


async def test_the_same_user_and_game_are_two_in_two_releases(
    arcade: Arcade, second: Arcade
) -> None:
    """Each has a session and a pod; the end of one is not the end of the other."""
    name = await arcade.open()
    await second.open(name=name)
    here, there = arcade.user("alice", name), second.user("alice", name)
    one, other = await asyncio.gather(here.get_patiently(), there.get_patiently())
    assert one.pod != other.pod
    assert (one.json["users"], other.json["users"]) == (["alice"], ["alice"])
    await here.post("/session/close")
    await arcade.ground.until_gone(arcade.session_of(here))
    assert (await there.get()).pod == other.pod


async def test_upgrade_and_rollback_disturb_nobody(release: Release, second: Arcade) -> None:
    """Twenty users go on playing while all pods of operator and gateway are replaced, twice: no
    request fails, and each stays in the session and the pod that it had."""
    users = second.users(USERS, await second.open())
    before = await asyncio.gather(*(user.get_patiently() for user in users))
    for user in users:
        await second.ground.until_phase(second.session_of(user), "Ready")
    for change in (lambda: release.upgrade("2"), release.roll_back):
        async with playing(users, release.url) as answers:
            await replaced(release, change)
        for user, first in zip(users, before, strict=True):
            assert len(answers[user.name]) > 0
            failed = [(each.began, each.body) for each in answers[user.name] if each.code]
            assert not failed, (failed, second.ground.history_of(second.session_of(user)))
            assert {each.pod for each in answers[user.name]} == {first.pod}
            assert {each.session_id for each in answers[user.name]} == {first.session_id}
            assert {each.start for each in answers[user.name]} == {"reused"}
    for user in users:
        assert len(second.ground.made_pods(second.session_of(user))) == 1


async def replaced(release: Release, change: Callable[[], None]) -> None:
    """Make a change; returns when no pod from before is there any more."""
    old = release.pods()
    await asyncio.to_thread(change)

    async def gone() -> bool:
        return not old & release.all_pods()

    await eventually(gone, deadline=GONE)


@asynccontextmanager
async def playing(users: list[User], url: str) -> AsyncIterator[dict[str, list[Answer]]]:
    """Users who play all the time, half of them over a new connection for each request; what they
    are answered stands there in the end."""
    over = asyncio.Event()
    answers: dict[str, list[Answer]] = {user.name: [] for user in users}

    async def play(user: User, *, keeps: bool) -> None:
        connector = aiohttp.TCPConnector(limit=0, force_close=not keeps)
        async with aiohttp.ClientSession(connector=connector) as http:
            guest = user.at(Gateway(url, http))
            while not over.is_set():
                answers[user.name].append(await guest.get())
                await asyncio.sleep(0.1)

    async with asyncio.TaskGroup() as tasks:
        for number, user in enumerate(users):
            tasks.create_task(play(user, keeps=bool(number % 2)))
        try:
            yield answers
        finally:
            over.set()


@pytest.mark.parametrize("operator", ["alive", "dead"])
async def test_uninstalling_leaves_nothing(
    release: Release, cluster: Cluster, operator: str
) -> None:
    """All sessions end, nothing waits for a finalizer, and what the release made is gone. It can be
    installed again at once."""
    async with Playground(cluster, GAMES) as ground, Gateway.at(release.url) as gateway:
        arcade = Arcade(release.stack, ground, gateway)
        user = arcade.user("alice", await arcade.open(warmPool={"size": 1}))
        await user.get_patiently()
        if operator == "dead":
            await asyncio.to_thread(release.kill_operator)
        await asyncio.to_thread(release.uninstall)
        await ground.until(lambda: not (ground.games or ground.sessions or ground.pods))
    wait_for(lambda: release.left() == set(), GONE, "all of the release to be gone")
    release.install()
    assert "Phase:          Succeeded" in release.test()
