"""The operator killed around each of its writes. Which writes there are is recorded, not listed.

Each case has a namespace and an operator of its own, and several run at once.
"""

from __future__ import annotations

import asyncio
import secrets
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from gamesession.api.names import session_name
from gamesession.kube.cluster import Cluster
from tests.conftest import NAMESPACES
from tests.eventually import eventually
from tests.faults.fault import Fault, after, before
from tests.faults.proxy import Proxy, Rule
from tests.faults.request import Request
from tests.integration.bodies import create, game, session
from tests.integration.kubelet import BY_HAND, Kubelet
from tests.integration.operator_process import OperatorProcess
from tests.integration.playground import Playground

pytestmark = pytest.mark.integration

NAME = session_name("chess", "alice")
AT_ONCE = 24
# How often these come in one life depends on how fast the rest is: the counts of a Game, and kopf's
# finalizer, which it adds again when it hears of a change from before it did.
REPEATED = ("patch games/status", "patch games")
MOMENTS: dict[str, Callable[[Callable[[], object]], Fault]] = {"before": before, "after": after}


@dataclass(frozen=True)
class Write:
    """One write of a life: the how manieth of its kind."""

    what: str
    number: int


class Case:
    """A namespace, its operator, and the life of one session there."""

    def __init__(self, cluster: Cluster, proxy: Proxy, directory: Path) -> None:
        self.namespace = f"test-{secrets.token_hex(4)}"
        self._cluster = cluster
        self._proxy = proxy
        log = directory / f"{self.namespace}.log"
        self.operator = OperatorProcess(proxy.kubeconfig, self.namespace, log)

    def kill_at(self, write: Write, moment: str) -> Rule:
        """Kill the operator right before or right after a write of its life."""
        return self._proxy.add(
            lambda request: self.wrote(request) and request.what == write.what,
            MOMENTS[moment](self.operator.kill),
            skip=write.number,
        )

    def wrote(self, request: Request) -> bool:
        """Whether that was a write of this case's operator."""
        return request.is_write and f"/namespaces/{self.namespace}/" in request.url.path

    async def live(self, rule: Rule | None = None) -> list[Write]:
        """One session from its creation to its end, with exactly one pod; returns the writes.

        Args:
            rule: kills the operator in between; it is started again.
        """
        await self._cluster.create(NAMESPACES, None, {"metadata": {"name": self.namespace}})
        chess = game("chess", session={"idleTimeout": "5s"}, template=BY_HAND)
        await create(self._cluster, self.namespace, chess)
        body = session(NAME, user="alice", game="chess")
        async with Playground(self._cluster, self.namespace) as playground:
            kubelet = Kubelet(self._cluster, self.namespace)
            serving = asyncio.create_task(kubelet.serve_told(playground))
            self.operator.start()
            try:
                await create(self._cluster, self.namespace, body)
                if rule:
                    await eventually(lambda: self._is_killed(rule))
                    self.operator.start()
                await self._follow(playground)
            finally:
                self.operator.kill()
                serving.cancel()
        assert self.operator.bugs() == []
        return self._writes()

    async def _is_killed(self, rule: Rule) -> bool:
        return bool(rule.met) and not self.operator.alive

    async def _follow(self, playground: Playground) -> None:
        await playground.until_gone(NAME)
        await playground.until_podless(NAME)
        phases = [
            change.object.get("status", {}).get("phase")
            for change in playground.history["gamesessions"]
        ]
        assert "Ready" in phases
        assert "Failed" not in phases
        assert len(playground.made_pods(NAME)) == 1

    def _writes(self) -> list[Write]:
        seen: Counter[str] = Counter()
        found = []
        for request in filter(self.wrote, self._proxy.requests):
            found.append(Write(request.what, seen[request.what]))
            seen[request.what] += 1
        return found


async def test_a_kill_around_any_write_leaves_one_pod_and_none_behind(
    cluster: Cluster, proxy: Proxy, tmp_path: Path
) -> None:
    """Before the API server sees the write, and when it has done it but could not answer: the next
    operator goes on where the objects say."""
    writes = await Case(cluster, proxy, tmp_path).live()
    assert {"create pods", "patch gamesessions/status", "delete gamesessions"} <= {
        write.what for write in writes
    }
    gate = asyncio.Semaphore(AT_ONCE)

    async def killed(write: Write, moment: str) -> None:
        async with gate:
            case = Case(cluster, proxy, tmp_path)
            await case.live(case.kill_at(write, moment))

    cases = [
        (write, moment)
        for write in writes
        for moment in MOMENTS
        if write.number == 0 or write.what not in REPEATED
    ]
    outcomes = await asyncio.gather(*(killed(*case) for case in cases), return_exceptions=True)
    failures = {
        f"{moment} {write.what} #{write.number}": outcome
        for (write, moment), outcome in zip(cases, outcomes, strict=True)
        if outcome
    }
    assert failures == {}


async def test_a_kill_amid_fifty_starts_leaves_fifty_pods(
    proxy: Proxy, playground: Playground, proxied_operator: OperatorProcess
) -> None:
    """Wherever each of them was, none is lost and none gets a second pod."""
    proxied_operator.start()
    await proxied_operator.ready()
    await playground.create_game("chess")
    rule = proxy.add(
        lambda request: request.what == "create pods", before(proxied_operator.kill), skip=25
    )
    names = [await playground.create_session(f"user-{number}", "chess") for number in range(50)]
    await eventually(lambda: met(rule))
    assert not proxied_operator.alive
    proxied_operator.start()
    for name in names:
        await playground.until_phase(name, "Ready")
        assert len(playground.made_pods(name)) == 1


async def met(rule: Rule) -> bool:
    """Whether a request met the fault."""
    return bool(rule.met)
