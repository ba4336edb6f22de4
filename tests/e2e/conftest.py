"""The whole stack on the cluster of this machine: operator and gateway in pods, real containers."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

import pytest

from demo import install
from demo.target import GAMES, OwnMachine
from gamesession.kube import connection
from gamesession.kube.cluster import Cluster
from tests.cluster.errors import ClusterError
from tests.e2e.arcade import Arcade
from tests.e2e.gateway import Gateway
from tests.e2e.replica import replica
from tests.e2e.stack import IMAGES, MANY_STARTS, MISCHIEF, Stack
from tests.integration.playground import Playground

MAX_BODY = 2**20
"""Bytes that the hasty gateway takes."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What needs an empty cluster comes before all that shares one installation."""
    items.sort(key=lambda item: item.get_closest_marker("empty_cluster") is None)


@pytest.fixture(scope="session")
def stack() -> Iterator[Stack]:
    """Everything installed, from the working tree. It stays when the tests end; what they made of
    their own is gone then."""
    try:
        target = OwnMachine()
    except ClusterError as error:
        pytest.skip(f"no cluster: {error}")
    secret = install.everything(target)
    target.machine.build_image(IMAGES / "mischief", MISCHIEF)
    with target.gateway() as url:
        stack = Stack(target, url, secret)
    stack.clean()
    stack.set_gateway(MANY_STARTS)
    stack.forget_crashes()
    yield stack
    stack.clean()
    stack.await_empty()
    assert stack.bugs() == []
    stack.set_gateway(dict.fromkeys(MANY_STARTS))


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


@pytest.fixture(scope="session")
def hasty_url(stack: Stack) -> Iterator[str]:
    """The URL of a second gateway, which has less patience and room than one in earnest."""
    settings = {
        "GAMESESSION_HOLD": "3s",
        "GAMESESSION_RESPONSE_TIMEOUT": "2s",
        "GAMESESSION_IDLE_STREAM_TIMEOUT": "2s",
        "GAMESESSION_MAX_BODY_BYTES": str(MAX_BODY),
    }
    with replica(stack, settings) as url:
        yield url


@pytest.fixture
async def gateway(stack: Stack) -> AsyncIterator[Gateway]:
    """The gateway as it is installed."""
    async with Gateway.at(stack.url) as found:
        yield found


@pytest.fixture
async def hasty(hasty_url: str) -> AsyncIterator[Gateway]:
    """The hasty gateway."""
    async with Gateway.at(hasty_url) as found:
        yield found


@pytest.fixture
async def arcade(stack: Stack, ground: Playground, gateway: Gateway) -> AsyncIterator[Arcade]:
    """Games of the test's own."""
    arcade = Arcade(stack, ground, gateway)
    yield arcade
    await arcade.close()
