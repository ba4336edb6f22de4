"""Operator, gateway and a back end as their own accounts, through all that sessions go through:
their rights are enough, and there is none that they do not need."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import aiohttp
import pytest

from gamesession import AsyncGameSessionManager
from gamesession.api.game import GameSpec
from gamesession.api.names import session_name
from gamesession.kube.cluster import Cluster
from gamesession.kube.resources import GAMES as GAMES_KIND
from gamesession.kube.resources import LEASES, PODS, SESSIONS
from gamesession.plan.template import pod_template, warm_pod
from tests.cluster.controlplane import ControlPlane
from tests.eventually import eventually
from tests.faults.fault import unanswered
from tests.faults.proxy import Proxy
from tests.handlers.gateway.stage import bearer
from tests.integration.account import Account
from tests.integration.bodies import NOBODY, game
from tests.integration.command import Command
from tests.integration.gateway_process import GatewayProcess
from tests.integration.installation import (
    BACK_END,
    GAMES,
    GATEWAY,
    OPERATOR,
    SYSTEM,
    UNINSTALL,
)
from tests.integration.kubelet import BY_HAND, Kubelet
from tests.integration.node import Node
from tests.integration.playground import Playground
from tests.integration.rights import MAY, Pair, pairs
from tests.integration.service_process import ServiceProcess

pytestmark = pytest.mark.integration

ACCOUNTS = {OPERATOR: SYSTEM, GATEWAY: SYSTEM, BACK_END: BACK_END, UNINSTALL: SYSTEM}

Parts = tuple[dict[str, Proxy], dict[str, Path]]
"""By account: the proxy that it goes through to the API server, and its kubeconfig."""


class Cast:
    """All who play a part, each as the account that an installation gives it.

    Attributes:
        proxies: what each of them asks the API server goes through its own.
    """

    def __init__(self, parts: Parts, operator: ServiceProcess, gateway: GatewayProcess) -> None:
        self.proxies, self.kubeconfigs = parts
        self.operator = operator
        self.gateway = gateway

    async def ask(self, method: str, path: str, user: str) -> aiohttp.ClientResponse:
        """What the gateway answers to a user."""
        async with (
            aiohttp.ClientSession(self.gateway.url, headers=bearer(user)) as client,
            client.request(method, path) as answer,
        ):
            await answer.read()
            return answer

    def used(self, account: str) -> set[Pair]:
        """The rights that an account has made use of, as `rights.py` names them."""
        found = set()
        for request in self.proxies[account].requests:
            if request.verb != "discover":
                resource, _, subresource = request.resource.partition("/")
                kind = f"{resource}/{subresource}" if subresource else resource
                parts = request.url.path.split("/")
                group = parts[2] if parts[1] == "apis" else ""
                verb = request.verb.removeprefix("dry-run ")
                found.add((verb, f"{kind}.{group}"))
        return found


@pytest.fixture
async def ground(installation: ControlPlane, cluster: Cluster) -> AsyncIterator[Playground]:
    """The namespace that the installation serves; its pods answer."""
    async with Playground(cluster, GAMES) as found, Node(found, cluster):
        yield found


@pytest.fixture
async def parts(installation: ControlPlane, tmp_path: Path) -> AsyncIterator[Parts]:
    """A proxy for each account, and the account's kubeconfig, which leads there."""
    async with AsyncExitStack() as stack:
        proxies, kubeconfigs = {}, {}
        for name, namespace in ACCOUNTS.items():
            (tmp_path / name).mkdir()
            proxies[name] = await stack.enter_async_context(Proxy(installation, tmp_path / name))
            account = Account(installation, namespace, name)
            kubeconfigs[name] = proxies[name].before(account.kubeconfig)
        yield proxies, kubeconfigs


@pytest.fixture
def operator(parts: Parts, tmp_path: Path) -> Iterator[ServiceProcess]:
    """The operator, as an installation runs it."""
    lease = {"GAMESESSION_LEASE_NAMESPACE": SYSTEM}
    log = tmp_path / "operator.log"
    process = ServiceProcess("operator", parts[1][OPERATOR], GAMES, log, **lease)
    process.start()
    yield process
    process.kill()
    assert process.bugs() == []


@pytest.fixture
def gateway(parts: Parts, tmp_path: Path) -> Iterator[GatewayProcess]:
    """A gateway likewise."""
    process = GatewayProcess(parts[1][GATEWAY], GAMES, tmp_path / "gateway.log")
    process.start()
    yield process
    process.kill()
    assert process.bugs() == []


@pytest.fixture
async def cast(
    ground: Playground, parts: Parts, operator: ServiceProcess, gateway: GatewayProcess
) -> Cast:
    """Operator and gateway are ready."""
    await operator.ready()
    await gateway.ready()
    return Cast(parts, operator, gateway)


async def test_accounts_have_the_rights_that_they_need_and_no_others(
    ground: Playground, cast: Cast
) -> None:
    """All that happens to sessions, under the roles and the admission policy of an installation."""
    await starts_warm_and_cold(ground, cast)
    await stays_while_used_and_ends_when_idle(ground, cast)
    await is_closed(ground, cast)
    await is_adopted(ground)
    await fails(ground)
    await starts_though_an_answer_is_lost(ground, cast)
    await serves_a_back_end(ground, cast)
    await loses_a_game(ground)
    await gives_up_the_lease(ground, cast)
    await is_uninstalled(ground, cast)
    for account in ACCOUNTS:
        scopes = MAY[account]
        everywhere = {pair for rights in scopes.values() for pair in pairs(rights)}
        granted = {(verb, what.partition(":")[0]) for verb, what in everywhere}
        assert cast.used(account) == granted, account


async def starts_warm_and_cold(ground: Playground, cast: Cast) -> None:
    session = {"idleTimeout": "5s"}
    await ground.create_game("warm", template=BY_HAND, warmPool={"size": 1}, session=session)
    await ground.create_game("cold", template=BY_HAND)
    await ground.until(lambda: ground.games["warm"]["status"]["warm"]["ready"] == 1)
    for each in ("warm", "cold"):
        answer = await cast.ask("GET", f"/api/{each}/", "alice")
        assert (answer.status, answer.headers["X-Game-Start"]) == (200, each)


async def stays_while_used_and_ends_when_idle(ground: Playground, cast: Cast) -> None:
    name = session_name("warm", "alice")
    first = await ground.until(lambda: ground.status(name).get("lastActivity"))

    async def reported() -> bool:
        assert (await cast.ask("GET", "/api/warm/", "alice")).status == 200
        return bool(ground.status(name)["lastActivity"] > first)

    await eventually(reported, every=0.3)
    await ground.until_gone(name)
    (event,) = await ground.events_of(name, "IdleTimeout")
    assert event["reportingController"] == "gamelibrary.io/operator"


async def is_closed(ground: Playground, cast: Cast) -> None:
    assert (await cast.ask("GET", "/api/cold/session/status", "nobody")).status == 200
    assert (await cast.ask("POST", "/api/cold/session/close", "alice")).status == 200
    await ground.until_gone(session_name("cold", "alice"))
    (event,) = await ground.events_of(session_name("cold", "alice"), "Closed")
    assert event["reportingController"] == "gamelibrary.io/gateway"


async def is_adopted(ground: Playground) -> None:
    await ground.apply_session("by-kubectl", "bob", "cold")
    await ground.until(lambda: "ownerReferences" in ground.sessions["by-kubectl"]["metadata"])
    await ground.until_phase("by-kubectl", "Ready")


async def fails(ground: Playground) -> None:
    """With the fifth pod; the operator asks for its log, for it leaves no message."""
    await ground.cluster.merge_patch(
        SESSIONS, GAMES, "by-kubectl", {"status": {"failures": 4}}, subresource="status"
    )
    await Kubelet(ground.cluster, GAMES).stop(ground.status("by-kubectl")["podName"], 3)
    await ground.until_phase("by-kubectl", "Failed")


async def starts_though_an_answer_is_lost(ground: Playground, cast: Cast) -> None:
    """The operator looks whose the pod is that it wanted to hand over."""
    await ground.until(lambda: ground.games["warm"]["status"]["warm"]["ready"] == 1)
    lost = cast.proxies[OPERATOR].add(lambda request: request.what == "patch pods", unanswered)
    answer = await cast.ask("GET", "/api/warm/", "carol")
    assert (answer.status, answer.headers["X-Game-Start"]) == (200, "warm")
    assert lost.met


async def serves_a_back_end(ground: Playground, cast: Cast) -> None:
    manager = AsyncGameSessionManager(
        namespace=GAMES, kubeconfig=cast.kubeconfigs[BACK_END], hold=60
    )
    name = session_name("warm", "dave")
    async with manager:
        session = await manager.create_session("dave", "warm")
        first = await ground.until(lambda: ground.status(name).get("lastActivity"))

        async def reported() -> bool:
            session.update_activity()
            return bool(ground.status(name)["lastActivity"] > first)

        await eventually(reported, every=0.3)
        assert await manager.get_session("nobody_warm_1") is None
        assert await manager.close_session(session.session_id)
    await ground.until_gone(name)
    (event,) = await ground.events_of(name, "Closed")
    assert event["reportingController"] == "gamelibrary.io/sdk"


async def loses_a_game(ground: Playground) -> None:
    """The operator lets go of it; its sessions follow."""
    await ground.delete(GAMES_KIND, "cold")
    await ground.until(lambda: "cold" not in ground.games and "by-kubectl" not in ground.sessions)


async def gives_up_the_lease(ground: Playground, cast: Cast) -> None:
    lease = await ground.cluster.get(LEASES, SYSTEM, OPERATOR)
    assert lease["spec"]["holderIdentity"]
    assert await asyncio.to_thread(cast.operator.stop) == 0
    lease = await ground.cluster.get(LEASES, SYSTEM, OPERATOR)
    assert not lease["spec"].get("holderIdentity")


async def is_uninstalled(ground: Playground, cast: Cast) -> None:
    """Without an operator, whose finalizer must be taken off for it; with what no collector takes
    after its Game."""
    await ground.apply_session("without-a-game", "erin", "none")
    pod = warm_pod(
        pod_template("none", GameSpec.model_validate(game(template=BY_HAND)["spec"])),
        name="without-a-game",
        namespace=GAMES,
        game=("none", NOBODY),
    )
    del pod["metadata"]["ownerReferences"]
    await ground.cluster.create(PODS, GAMES, pod)
    run = Command(cast.kubeconfigs[UNINSTALL], GAMES)
    ended = await run("uninstall", "--yes", "--timeout=3s")
    assert ended.code == 0, ended.err
    assert "taking off its finalizer" in ended.err
    await ground.until(lambda: not (ground.games or ground.sessions or ground.pods))
