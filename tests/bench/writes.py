"""What a session's life costs the API server, from its user's first request to the end."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import structlog
import uvloop
from aiohttp import web
from prometheus_client import generate_latest

from gamesession.api.names import session_name
from gamesession.gateway.keys import load_keys
from gamesession.gateway.server import Service
from gamesession.gateway.settings import GatewaySettings
from gamesession.kube import connection
from gamesession.kube.cluster import Cluster
from gamesession.kube.resources import SESSIONS
from tests.bench.bare import Bare
from tests.bench.control_path import PLAY, ControlPath, control_path
from tests.bench.figure import Figure, Promise
from tests.bench.ledger import Write, writes
from tests.bench.pool import filled
from tests.bench.stack import Stack
from tests.bench.users import GAME, Users
from tests.bench.watcher import Watcher
from tests.cluster.controlplane import free_port
from tests.handlers.gateway.stage import AUDIENCE, ISSUER, SECRET, bearer

NAME = "writes"
SUMMARY = (
    "Writes to the API server in a session's life: a warm start, three writes of activity, and a "
    "close, through a gateway; on kwok, half a minute."
)
LIVES = 10
POOL = LIVES
ACTIVITY = 3
IDLE_TIMEOUT = "10s"
"""A gateway writes activity at most once in a tenth of it."""
ASK_EVERY = 0.2
PATIENCE = 60.0
PROMISED = {"start": Promise(2), "life": Promise(8)}
UNIT = "a life"
ROUTE = f"/api/{GAME}"


def measure(stack: Stack) -> list[Figure]:
    """Lives of several users at the same time, on a control plane of the bench's own."""
    # The gateway runs in this process; what it logs is not for who reads a table.
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    with control_path() as path:
        return figures(uvloop.run(written(path)))


async def written(path: ControlPath) -> Counter[Write]:
    """All writes of our components from before the first life until the pool is full again."""
    port = free_port()
    async with Bare(path.plane.api) as bare, pods(port), gateway(path) as url:
        users = Users(bare, PLAY)
        await users.add_game(
            services=[{"name": "game", "port": port}],
            session={"idleTimeout": IDLE_TIMEOUT},
            warmPool={"size": POOL},
        )
        await filled(bare, PLAY, POOL)
        before = await count(path)
        lives = Lives(bare, url)
        async with lives.watching():
            await asyncio.gather(*(lives.live(f"user-{number}") for number in range(LIVES)))
        await filled(bare, PLAY, POOL)
        return await count(path) - before


async def count(path: ControlPath) -> Counter[Write]:
    """The writes of operator and gateway so far."""
    return writes(await path.operator.metrics()) + writes(generate_latest().decode())


class Lives:
    """Users who come, stay until their activity was written often enough, and leave."""

    def __init__(self, bare: Bare, url: str) -> None:
        self._bare = bare
        self._url = url
        self._seen: dict[str, set[str]] = {}
        self._watcher = Watcher(bare, SESSIONS, PLAY, self._note)

    @asynccontextmanager
    async def watching(self) -> AsyncIterator[None]:
        """To be entered before anybody comes."""
        async with self._watcher.watching(), aiohttp.ClientSession(self._url) as self._http:
            yield

    async def live(self, user: str) -> None:
        """One life.

        Raises:
            OSError: it went another way.
        """
        start = await self._ask("GET", f"{ROUTE}/move", user)
        if start != "warm":
            raise OSError(f"not the start that is measured: {start}")
        stamps, ends = self._seen.setdefault(session_name(GAME, user), set()), time.monotonic()
        while len(stamps) <= ACTIVITY:  # the first is the operator's
            if time.monotonic() > ends + PATIENCE:
                raise TimeoutError(f"activity was written at {sorted(stamps)} only")
            await asyncio.sleep(ASK_EVERY)
            await self._ask("GET", f"{ROUTE}/move", user)
        await self._ask("POST", f"{ROUTE}/session/close", user)

    async def _ask(self, method: str, path: str, user: str) -> str | None:
        async with self._http.request(method, path, headers=bearer(user)) as answer:
            if answer.status != 200:
                raise OSError(f"{method} {path}: {answer.status} {await answer.text()}")
            return answer.headers.get("X-Game-Start")

    def _note(self, session: dict[str, Any]) -> bool:
        if stamp := session.get("status", {}).get("lastActivity"):
            self._seen.setdefault(session["metadata"]["name"], set()).add(stamp)
        return False  # it goes on


@asynccontextmanager
async def pods(port: int) -> AsyncIterator[None]:
    """What kwok's pods answer: their addresses are this machine's."""

    async def answer(_: web.BaseRequest) -> web.StreamResponse:
        return web.Response()

    runner = web.ServerRunner(web.Server(answer, access_log=None))
    await runner.setup()
    await web.TCPSite(runner, "0.0.0.0", port).start()
    try:
        yield
    finally:
        await runner.cleanup()


@asynccontextmanager
async def gateway(path: ControlPath) -> AsyncIterator[str]:
    """The URL of a gateway, which runs in this process."""
    settings = GatewaySettings(
        namespace=PLAY,
        host="127.0.0.1",
        port=0,
        jwt_secret=SECRET,
        jwt_issuer=ISSUER,
        jwt_audience=AUDIENCE,
    )
    configuration = await connection.load(path.plane.kubeconfig)
    async with Cluster(configuration, "gateway") as cluster:
        service = Service(settings, cluster, load_keys(settings))
        await service.start()
        try:
            yield f"http://127.0.0.1:{service.port}"
        finally:
            await service.stop()


def figures(counted: Counter[Write]) -> list[Figure]:
    """Each kind of write, and the sums that are promised."""

    def of_a_life(chosen: list[Write]) -> float:
        return sum(counted[write] for write in chosen) / LIVES

    ours = [write for write in sorted(counted) if write.counts]
    apart = [write for write in sorted(counted) if not write.counts]
    start = [write for write in ours if write.component == "operator" and write.verb == "patch"]
    return [
        *(Figure(f"{write}", of_a_life([write]), unit=UNIT) for write in ours),
        Figure("operator, for a start", of_a_life(start), None, PROMISED["start"], UNIT),
        Figure("all", of_a_life(ours), None, PROMISED["life"], UNIT),
        *(Figure(f"apart, {write}", of_a_life([write]), unit=UNIT) for write in apart),
    ]
