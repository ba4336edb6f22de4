"""The operator killed, and requests that fail, while pools are filled and handed out."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable
from pathlib import Path

import pytest

from gamesession.api.names import session_name
from gamesession.kube.cluster import Cluster
from tests.conftest import NAMESPACES
from tests.eventually import eventually
from tests.faults.fault import Fault, after, before
from tests.faults.proxy import Proxy, Rule
from tests.faults.request import Request
from tests.integration.bodies import create, game
from tests.integration.operator_process import OperatorProcess
from tests.integration.playground import Playground
from tests.integration.pool import Pool, had_by, is_alive, uid_of
from tests.integration.test_faults import FAULTS

pytestmark = pytest.mark.integration

SIZE = 2
NAME = session_name("chess", "alice")
MOMENTS: dict[str, Callable[[Callable[[], object]], Fault]] = {"before": before, "after": after}
WRITES = {
    "create pods": range(SIZE + 1),
    "patch pods": range(1),
    "patch gamesessions/status": range(1),
}
AT_ONCE = 8


async def alone(playground: Playground, name: str) -> None:
    """A session is Ready with one pod, whose only owner it is, and had no other."""
    status = await playground.until_phase(name, "Ready")
    (pod,) = playground.living_pods_of(name)
    (owner,) = pod["metadata"]["ownerReferences"]
    assert (owner["uid"], uid_of(pod)) == (playground.uid_of(name), status["podUID"])
    assert had_by(playground, owner["uid"]) == {status["podUID"]}


class Case:
    """A namespace, its operator, and the life of a pool there."""

    def __init__(self, cluster: Cluster, proxy: Proxy, directory: Path) -> None:
        self.namespace = f"test-{secrets.token_hex(4)}"
        self._cluster = cluster
        self._proxy = proxy
        log = directory / f"{self.namespace}.log"
        self.operator = OperatorProcess(proxy.kubeconfig, self.namespace, log)

    def at(self, what: str, number: int, fault: Fault) -> Rule:
        """Let the operator's how manieth write of a kind meet a fault."""

        def matches(request: Request) -> bool:
            return request.what == what and f"/namespaces/{self.namespace}/" in request.url.path

        return self._proxy.add(matches, fault, skip=number)

    async def live(self, rule: Rule) -> None:
        """A pool is filled, a user comes, the pool is full again and nothing is left over.

        Args:
            rule: it is met in between; should it kill the operator, that is started again.
        """
        await self._cluster.create(NAMESPACES, None, {"metadata": {"name": self.namespace}})
        await create(self._cluster, self.namespace, game("chess", warmPool={"size": SIZE}))
        async with Playground(self._cluster, self.namespace) as playground:
            self.operator.start()
            reviving = asyncio.create_task(self._revive())
            try:
                pool = Pool(playground, "chess")
                await pool.until_known(SIZE)
                await playground.create_session("alice", "chess")
                await alone(playground, NAME)
                await pool.until_full(SIZE)
                assert rule.met
                used = {uid_of(pod) for pod in pool.living} - pool.uids
                assert len(used) == len(playground.sessions)
            finally:
                reviving.cancel()
                self.operator.kill()
        assert self.operator.bugs() == []

    async def _revive(self) -> None:
        """Start the operator again when it has been killed."""

        async def dead() -> bool:
            return not self.operator.alive

        await eventually(dead, deadline=600)
        self.operator.start()


@pytest.mark.usefixtures("operator")  # the first one takes seconds to fork, and holds up all else
@pytest.mark.parametrize("kind", [*MOMENTS, *FAULTS])
async def test_nothing_is_lost_or_doubled(
    cluster: Cluster, proxy: Proxy, tmp_path: Path, kind: str
) -> None:
    """Whichever write of a pool's life the operator is killed at, before the API server sees it or
    after it has done it, or fails: the session has one pod, the pool its size, and no pod more."""
    gate = asyncio.Semaphore(AT_ONCE)

    async def lives(what: str, number: int) -> None:
        async with gate:
            case = Case(cluster, proxy, tmp_path)
            fault = MOMENTS[kind](case.operator.kill) if kind in MOMENTS else FAULTS[kind]
            await case.live(case.at(what, number, fault))

    cases = [(what, number) for what, numbers in WRITES.items() for number in numbers]
    outcomes = await asyncio.gather(*(lives(*case) for case in cases), return_exceptions=True)
    failures = {
        f"{what} #{number}": outcome
        for (what, number), outcome in zip(cases, outcomes, strict=True)
        if outcome
    }
    assert failures == {}


@pytest.mark.parametrize("what", ["create pods", "patch pods", "patch gamesessions/status"])
async def test_a_kill_amid_twenty_users_leaves_a_pod_each_and_a_full_pool(
    proxy: Proxy, playground: Playground, proxied_operator: OperatorProcess, what: str
) -> None:
    """Half of them met a pod that waited."""
    proxied_operator.start()
    await proxied_operator.ready()
    await playground.create_game("chess", warmPool={"size": 10})
    pool = Pool(playground, "chess")
    await pool.until_known(10)
    rule = proxy.add(lambda request: request.what == what, after(proxied_operator.kill), skip=5)
    users = [f"user-{number}" for number in range(20)]
    names = await asyncio.gather(*(playground.create_session(user, "chess") for user in users))
    await eventually(lambda: killed(rule, proxied_operator))
    proxied_operator.start()
    for name in names:
        await alone(playground, name)
    await pool.until_full(10)
    assert len({playground.status(name)["podUID"] for name in names}) == 20
    assert len(pool.living) == 30
    assert all(is_alive(pod) for pod in playground.pods.values())


async def killed(rule: Rule, operator: OperatorProcess) -> bool:
    """Whether a request met the fault that kills the operator."""
    return bool(rule.met) and not operator.alive
