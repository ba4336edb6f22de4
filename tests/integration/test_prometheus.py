"""What Prometheus reads of a real operator, its standby and a real gateway: every query of the
dashboard and of the alerts finds what it asks for."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from itertools import cycle
from pathlib import Path
from typing import Any

import aiohttp
import promql_parser as promql
import pytest
from aiohttp import web

from tests.cluster.controlplane import ControlPlane
from tests.eventually import eventually
from tests.faults.fault import Answer, Forward, refused
from tests.faults.proxy import Proxy
from tests.faults.request import Request
from tests.handlers.gateway.pods import PORT, HttpPod
from tests.handlers.gateway.stage import bearer
from tests.integration.bodies import create, game
from tests.integration.gateway_process import GatewayProcess
from tests.integration.kubelet import BY_HAND
from tests.integration.node import Node
from tests.integration.operator_process import OperatorProcess
from tests.integration.playground import Playground
from tests.integration.pool import Pool
from tests.integration.prometheus import NAMESPACE, Prometheus
from tests.integration.service_process import ServiceProcess
from tests.unit.seeing.queries import dashboard_queries, rule_queries

pytestmark = pytest.mark.integration

COMPARISONS = (">", "<", ">=", "<=", "==", "!=")
SETS = ("and", "or", "unless")


@pytest.fixture
async def node(playground: Playground) -> AsyncIterator[Node]:
    """What runs the pods of the test."""
    async with Node(playground, playground.cluster) as found:
        yield found


@pytest.fixture
def standby(
    control_plane: ControlPlane, namespace: str, tmp_path: Path
) -> Iterator[OperatorProcess]:
    """A second operator. It is not started yet."""
    log = tmp_path / "standby.log"
    process = OperatorProcess(control_plane.kubeconfig, namespace, log, identity="standby")
    yield process
    process.kill()
    assert process.bugs() == []


@pytest.fixture
async def fallback() -> AsyncIterator[str]:
    """The URL of what answers in place of sessions."""

    async def answer(_: web.BaseRequest) -> web.StreamResponse:
        return web.Response(text="no session")

    pod = HttpPod(answer)
    await pod.listen()
    yield f"http://{pod.ip}:{PORT}"
    await pod.stop()


async def passed_on(_: Request, forward: Forward) -> Answer:
    """No fault at all."""
    return await forward()


@pytest.fixture
async def gateway(
    proxy: Proxy, namespace: str, fallback: str, tmp_path: Path
) -> AsyncIterator[GatewayProcess]:
    """A gateway whose every third Event is forbidden, and every third has no place. It runs."""
    answers = cycle([refused(403), refused(503), passed_on])

    async def fault(request: Request, forward: Forward) -> Answer | None:
        return await next(answers)(request, forward)

    proxy.add(lambda request: request.what == "create events", fault, times=10_000)
    settings = {
        "GAMESESSION_FALLBACK_URLS": fallback,
        # A slow machine must not turn a test red.
        "GAMESESSION_HOLD": "100s",
        "GAMESESSION_CONNECT_TIMEOUT": "100s",
    }
    log = tmp_path / "gateway.log"
    process = GatewayProcess(proxy.kubeconfig, namespace, log, **settings)
    process.start()
    await process.ready()
    yield process
    process.kill()
    assert process.bugs() == []


async def test_every_query_finds_what_it_asks_for(
    playground: Playground,
    operator: OperatorProcess,
    standby: OperatorProcess,
    gateway: GatewayProcess,
    fallback: str,
    node: Node,
    tmp_path: Path,
) -> None:
    await operator.ready()
    standby.start()
    await make_games(playground, fallback)
    targets = {
        "op": {"op-0": address(operator), "op-1": address(standby)},
        "gw": {"gw-0": address(gateway)},
    }
    async with Prometheus(tmp_path, targets) as prometheus, crowd(gateway) as users:
        await until_scraped(prometheus)
        async with users.play():
            missing = await until_all_found(prometheus, users)
            assert missing == []
            await check_figures(prometheus)
        for process in (operator, standby, gateway):
            await check_no_user_is_named(process)
        rules = await prometheus.rules()
        assert set(rules.values()) == {("ok", "")}, rules


def address(process: ServiceProcess) -> str:
    """Where a process shows its metrics."""
    return process.admin.removeprefix("http://")


async def make_games(playground: Playground, fallback: str) -> None:
    """One whose sessions start cold, one with a pool, two that have no place, one of them with a
    fallback; one that takes nobody, one refused."""
    session = {"idleTimeout": "5s"}
    await playground.create_game("cold", template=BY_HAND, session=session)
    await playground.create_game("warm", template=BY_HAND, warmPool={"size": 1})
    limits = {"maxSessions": 0, "maxPending": 1}
    await playground.create_game("full", limits=limits)
    await playground.create_game("helped", limits=limits, fallback={"url": fallback})
    await playground.create_game("closed", suspend=True)
    wrong = {"spec": {"containers": [{"name": "game", "image": "fortune-game", "ports": [{}]}]}}
    await create(playground.cluster, playground.namespace, game("refused", template=wrong))
    await Pool(playground, "warm").until_known(1)


async def until_scraped(prometheus: Prometheus) -> None:
    """Wait until the series that begin with their Game have been read, of all three processes."""

    async def read() -> bool:
        starts = await prometheus.ask('gamesession_start_seconds_count{game=~"cold|warm"}')
        held = await prometheus.ask("gamesession_gateway_held_requests")
        leaders = await prometheus.ask('gamesession_leader{job="op"}')
        assert (len(starts), len(held), len(leaders)) == (4, 6, 2)
        return True

    await eventually(read, every=0.2)


class Crowd:
    """A few users of the gateway."""

    def __init__(self, http: aiohttp.ClientSession) -> None:
        self._http = http
        self._number = 0

    async def ask(self, path: str, user: str, method: str = "GET") -> int:
        """The status of an answer."""
        async with self._http.request(method, path, headers=bearer(user)) as answer:
            await answer.read()
            return answer.status

    @asynccontextmanager
    async def play(self) -> AsyncIterator[None]:
        """What goes on all the while: a WebSocket, and sessions that wait for a place."""
        for name in ("full", "helped"):
            assert await self.ask(f"/api/{name}/session/open", "first", "POST") == 202
        async with self._http.ws_connect("/api/warm/live", headers=bearer("ann")) as socket:
            await socket.send_str("Hello?")
            await socket.receive_str()
            yield

    async def come(self) -> None:
        """One plays two games and closes them; is refused, sent elsewhere, and not known."""
        self._number += 1
        user = f"user-{self._number}"
        assert await self.ask("/api/cold/", user) == 200
        assert await self.ask("/api/cold/", user) == 200
        assert await self.ask("/api/warm/", user) == 200
        for name in ("cold", "warm"):
            assert await self.ask(f"/api/{name}/session/close", user, "POST") == 200
        assert await self.ask("/api/full/", user) == 429
        assert await self.ask("/api/helped/", user) == 200, "the fallback's"
        assert await self.ask("/api/closed/", user) == 503
        assert await self.ask("/api/nothing/", user) == 404
        async with self._http.get("/api/cold/") as answer:
            assert answer.status == 401


@asynccontextmanager
async def crowd(gateway: GatewayProcess) -> AsyncIterator[Crowd]:
    """Users of a gateway."""
    async with aiohttp.ClientSession(gateway.url) as http:
        yield Crowd(http)


async def until_all_found(prometheus: Prometheus, users: Crowd) -> list[str]:
    """Have users come until all queries find something; returns those that find nothing."""
    asked = {query.where: query.text for query in dashboard_queries(namespace=NAMESPACE)}
    for query in rule_queries():
        parts = list(measured(promql.parse(query.text)))
        assert parts, query
        asked |= {f"{query.where}: {part}": part for part in parts}
    missing: list[str] = []

    async def found() -> bool:
        await users.come()
        missing[:] = [where for where, text in asked.items() if not await prometheus.ask(text)]
        return not missing

    try:
        await eventually(found, every=0.5)
    except TimeoutError:
        return missing
    return []


def measured(expression: Any) -> Iterator[str]:
    """What an alert compares with its bounds, or whose being there it watches."""
    match expression:
        case promql.BinaryExpr(op=op, lhs=left, rhs=right) if str(op) in (*COMPARISONS, *SETS):
            yield from measured(left)
            if str(op) in SETS:
                yield from measured(right)
        case promql.ParenExpr(expr=inner):
            yield from measured(inner)
        case promql.Call(func=function) if function.name == "absent":
            return
        case _:
            yield expression.prettify()


async def check_figures(prometheus: Prometheus) -> None:
    """What is shown is what is the case."""
    figures: tuple[tuple[str, float], ...] = (
        ("sum(gamesession_leader)", 1),
        ('gamesession_sessions{game="full", phase="Pending"}', 1),
        ('gamesession_sessions{game="warm", phase="Ready"}', 1),
        ('gamesession_gateway_open_streams{game="warm"}', 1),
        ('gamesession_gateway_open_streams{game="cold"}', 0),
        ('sum(gamesession_pool_pods{game="warm"})', 1),
        ('sum(gamesession_sessions{game="refused"})', 0),
    )
    for query, expected in figures:

        async def is_so(query: str = query, expected: float = expected) -> bool:
            found = await prometheus.value(query)
            assert found == expected, query
            return True

        await eventually(is_so, every=0.2)
    for metric in ("gamesession_ended_total", "gamesession_gateway_fallback_total"):
        assert await prometheus.ask(f"{metric} > 0")


async def check_no_user_is_named(process: ServiceProcess) -> None:
    """Whatever a process shows, it shows of nobody."""
    async with (
        aiohttp.ClientSession(process.admin) as http,
        http.get("/metrics") as answer,
    ):
        text = await answer.text()
    assert "gamesession_" in text
    assert not re.search(r"\buser-\d|\bann\b", text)
