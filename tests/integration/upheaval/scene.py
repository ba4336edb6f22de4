"""Cluster, operators, gateways and players, and what befalls them."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Final, TypeVar

import aiohttp

from gamesession.kube import connection
from gamesession.kube.cluster import Cluster
from gamesession.kube.resources import GAMES, SESSIONS
from tests.cluster.controlplane import ControlPlane, node_ready
from tests.cluster.waiting import wait_for
from tests.conftest import NAMESPACES, ROOT
from tests.eventually import eventually
from tests.integration.bodies import TEMPLATE, create, game
from tests.integration.condition import condition
from tests.integration.gateway_process import GatewayProcess
from tests.integration.upheaval.account import Account
from tests.integration.upheaval.audit import Audit
from tests.integration.upheaval.machines import Machines
from tests.integration.upheaval.operators import Operators
from tests.integration.upheaval.witness import Witness

T = TypeVar("T")

NODES: Final = ("north", "south")
OPERATORS: Final = ("operator-a", "operator-b")
WARM: Final = 4
CLUSTER_ADMIN: Final = "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings"
SERVICE_ACCOUNTS: Final = "/api/v1/namespaces/default/serviceaccounts"
DAY: Final = 86400
ON_CLAIM: Final = {"onClaim": {"service": "game", "path": "/claim"}}


class Plane:
    """A control plane that can be asked for long things while the event loop runs on: all in one
    thread, which its processes die with."""

    def __init__(self, audit: Audit) -> None:
        self._thread = ThreadPoolExecutor(1, "plane")
        self._plane = ControlPlane(
            crds=ROOT / "crds", kwok=False, scheduler=True, api_server=audit.arguments
        )

    async def __aenter__(self) -> Plane:
        await self.do(lambda plane: plane.start_all())
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.do(lambda plane: plane.close())
        self._thread.shutdown()

    async def do(self, work: Callable[[ControlPlane], T]) -> T:
        """Have something done in its thread."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, work, self._plane)

    async def kubectl(self, *arguments: str) -> str:
        """What kubectl prints."""
        return await self.do(lambda plane: plane.kubectl(*arguments))

    def kubeconfig(self) -> Path:
        """The administrator's."""
        return self._plane.kubeconfig


@dataclass
class Scene:
    """All that there is, ready to be played in."""

    plane: Plane
    cluster: Cluster
    namespace: str
    machines: Machines
    operators: Operators
    gateways: list[GatewayProcess]
    http: aiohttp.ClientSession
    account: Account
    audit: Audit
    sessions: Witness
    games: tuple[str, ...] = ("chess", "go", "quiz")

    @property
    def urls(self) -> list[str]:
        """Of the gateways."""
        return [gateway.url for gateway in self.gateways]


@asynccontextmanager
async def scene(directory: Path, timeout: timedelta, hold: str) -> AsyncIterator[Scene]:
    """Two nodes, two operators, two gateways, three Games: one cold, one with pods that wait, one
    whose pods are told their user besides.

    Args:
        directory: for logs.
        timeout: the idle timeout of sessions.
        hold: how long gateways hold requests.
    """
    account, namespace = Account(timeout), f"upheaval-{secrets.token_hex(3)}"
    audit = Audit(directory, map("system:serviceaccount:default:{}".format, OPERATORS))
    async with AsyncExitStack() as stack:
        plane = await stack.enter_async_context(Plane(audit))
        # Each by an account with a role: the administrator's is not forbidden anything by an API
        # server that has yet to read its roles.
        *kubeconfigs, gateways_own = await plane.do(
            lambda plane: [_account(plane, name) for name in (*OPERATORS, "gateway")]
        )
        cluster = await stack.enter_async_context(
            Cluster(await connection.load(plane.kubeconfig()), "test")
        )
        await cluster.create(NAMESPACES, None, {"metadata": {"name": namespace}})
        machines = await stack.enter_async_context(Machines(cluster, namespace, *NODES))
        await plane.do(_await_nodes)
        operators = await stack.enter_async_context(
            Operators(cluster, namespace, directory, *kubeconfigs)
        )
        gateways = await stack.enter_async_context(
            _gateways(gateways_own, namespace, directory, hold)
        )
        await _create_games(cluster, namespace, timeout)
        sessions = Witness(cluster, SESSIONS, namespace, account.see)
        await sessions.start()
        stack.push_async_callback(sessions.stop)
        http = await stack.enter_async_context(
            aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=0),
                timeout=aiohttp.ClientTimeout(total=180),
            )
        )
        yield Scene(
            plane,
            cluster,
            namespace,
            machines,
            operators,
            gateways,
            http,
            account,
            audit,
            sessions,
        )


@asynccontextmanager
async def _gateways(
    kubeconfig: Path, namespace: str, directory: Path, hold: str
) -> AsyncIterator[list[GatewayProcess]]:
    found = [
        GatewayProcess(
            kubeconfig,
            namespace,
            directory / f"gateway-{number}.log",
            GAMESESSION_HOLD=hold,
            # A slow machine must not turn a test red.
            GAMESESSION_CONNECT_TIMEOUT="100s",
            GAMESESSION_SHUTDOWN_DELAY="0s",
        )
        for number in range(2)
    ]
    try:
        for gateway in found:
            gateway.start()
        for gateway in found:
            await gateway.ready()
        yield found
    finally:
        for gateway in found:
            gateway.kill()


async def _create_games(cluster: Cluster, namespace: str, timeout: timedelta) -> None:
    # A pod is gone half a second after it was asked to end: no more grace is needed.
    template = {"spec": TEMPLATE["spec"] | {"terminationGracePeriodSeconds": 5}}
    common = {
        "template": template,
        "session": {"idleTimeout": f"{timeout.total_seconds():g}s"},
    }
    warm = {"warmPool": {"size": WARM}}
    await create(cluster, namespace, game("chess", **common))
    await create(cluster, namespace, game("go", **common, **warm))
    await create(cluster, namespace, game("quiz", **common, **warm, hooks=ON_CLAIM))
    for name in ("chess", "go", "quiz"):

        async def accepted(name: str = name) -> bool:
            found = await cluster.get(GAMES, namespace, name)
            return (condition(found, "Accepted") or {}).get("status") == "True"

        await eventually(accepted)


def _account(plane: ControlPlane, name: str) -> Path:
    """A service account that may do everything; returns its kubeconfig."""
    plane.api.post(SERVICE_ACCOUNTS, {"metadata": {"name": name}})
    subject = {"kind": "ServiceAccount", "name": name, "namespace": "default"}
    role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin"}
    plane.api.post(
        CLUSTER_ADMIN, {"metadata": {"name": name}, "roleRef": role, "subjects": [subject]}
    )
    return plane.kubeconfig_for(plane.service_account_token("default", name, DAY), name)


def _await_nodes(plane: ControlPlane) -> None:
    for name in NODES:
        wait_for(partial(_is_ready, plane, name), 60.0, f"node {name}")


def _is_ready(plane: ControlPlane, node: str) -> bool:
    return node_ready(plane.api.get(f"/api/v1/nodes/{node}"))
