"""Fixtures for the fortune-game."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio
from aiohttp.test_utils import TestClient, TestServer

SAMPLE = Path(__file__).parents[3] / "manifests" / "samples" / "fortune-game"
# The sample is a program of its own, not a part of the distribution.
sys.path.insert(0, str(SAMPLE / "app"))

from fortune_game.agent import fortune_agent  # noqa: E402
from fortune_game.life import Life  # noqa: E402
from fortune_game.live import live_service  # noqa: E402
from fortune_game.past import PastStore  # noqa: E402

from tests.cluster import prerequisites  # noqa: E402
from tests.cluster.errors import ClusterError  # noqa: E402
from tests.unit.samples.fortune_pod import DEADLINE, MakePod, Pod, RedisServer  # noqa: E402


@pytest.fixture
def sample() -> Path:
    """The folder of the fortune-game."""
    return SAMPLE


@pytest.fixture
def redis_server(tmp_path: Path) -> Iterator[RedisServer]:
    """A running Redis, installed if it is missing and may be; else the test is skipped."""
    try:
        prerequisites.obtain("redis-server")
    except ClusterError as error:
        pytest.skip(f"no Redis: {error}")
    directory = tmp_path / "redis"
    directory.mkdir()
    server = RedisServer(directory)
    try:
        server.start()
        yield server
    finally:
        server.stop()


@pytest_asyncio.fixture
async def make_pod() -> AsyncIterator[MakePod]:
    """Starts pods, whose past may take its time on a slow machine unless a test bounds it."""
    pods: list[Pod] = []
    stores: list[PastStore] = []

    async def make(
        redis_url: str | None = None,
        pod_uid: str | None = "pod-1",
        save_delay: float = 0,
        load_within: float = DEADLINE,
        save_within: float = DEADLINE,
    ) -> Pod:
        store = PastStore(redis_url, load_within, save_within)
        stores.append(store)
        life = Life(store, pod_uid, save_delay)
        agent = TestClient(TestServer(fortune_agent(life)))
        live = TestClient(TestServer(live_service(life)))
        pods.append(Pod(life, agent, live))
        await agent.start_server()
        await live.start_server()
        return pods[-1]

    yield make
    for pod in pods:
        await pod.agent.close()
        await pod.live.close()
    for store in stores:
        await store.close()
