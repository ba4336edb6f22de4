"""The whole stack on the cluster of this machine: operator and gateway in pods, real containers."""

from __future__ import annotations

from collections.abc import AsyncIterator

import aiohttp
import pytest

from demo import install
from demo.target import GAMES, OwnMachine
from gamesession.kube import connection
from gamesession.kube.cluster import Cluster
from tests.cluster.errors import ClusterError
from tests.e2e.arcade import Arcade
from tests.e2e.stack import IMAGES, MISCHIEF, Stack
from tests.integration.playground import Playground


@pytest.fixture(scope="session")
def stack() -> Stack:
    """Everything installed, from the working tree. It stays when the tests end."""
    try:
        target = OwnMachine()
    except ClusterError as error:
        pytest.skip(f"no cluster: {error}")
    secret = install.everything(target)
    target.machine.build_image(IMAGES / "mischief", MISCHIEF)
    with target.gateway() as url:
        stack = Stack(target, url, secret)
    stack.clean()
    stack.forget_crashes()
    return stack


@pytest.fixture
async def cluster(stack: Stack) -> AsyncIterator[Cluster]:
    """A connection to the API server, as administrator."""
    configuration = await connection.load(stack.target.machine.kubeconfig)
    async with Cluster(configuration, "test") as connected:
        yield connected


@pytest.fixture
async def ground(cluster: Cluster) -> AsyncIterator[Playground]:
    """The namespace of the games, followed by watches."""
    async with Playground(cluster, GAMES) as playground:
        yield playground


@pytest.fixture
async def http(stack: Stack) -> AsyncIterator[aiohttp.ClientSession]:
    """A client of the gateway, with as many connections as it takes."""
    async with aiohttp.ClientSession(
        stack.url,
        connector=aiohttp.TCPConnector(limit=0),
        timeout=aiohttp.ClientTimeout(total=120),
    ) as session:
        yield session


@pytest.fixture
async def arcade(
    stack: Stack, ground: Playground, http: aiohttp.ClientSession
) -> AsyncIterator[Arcade]:
    """Games of the test's own."""
    arcade = Arcade(stack, ground, http)
    yield arcade
    await arcade.close()
