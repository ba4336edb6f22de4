"""Requests of the operator that fail: each kind of request, each kind of fault, one at a time.

Which requests there are is not written down here but recorded: a life of a session, from its
creation to its end, tells.
"""

from __future__ import annotations

import asyncio
import secrets
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from gamesession.api.names import session_name
from gamesession.kube.cluster import Cluster
from gamesession.kube.resources import GAMES
from tests.cluster.controlplane import ControlPlane
from tests.conftest import NAMESPACES
from tests.eventually import eventually
from tests.faults.fault import Fault, refused, unanswered, unreached
from tests.faults.proxy import Proxy
from tests.faults.request import Request
from tests.integration.bodies import create, game
from tests.integration.condition import condition
from tests.integration.kubelet import BY_HAND, Kubelet
from tests.integration.operator_process import OperatorProcess
from tests.integration.playground import Playground

pytestmark = pytest.mark.integration

FAULTS: dict[str, Fault] = {
    "500": refused(500),
    "429": refused(429),
    "409": refused(409),
    "unreached": unreached,
    "unanswered": unanswered,
}


@pytest.fixture
async def kubelet(playground: Playground) -> AsyncIterator[None]:
    """Serves pods by hand, so that each life takes the same steps."""
    kubelet = Kubelet(playground.cluster, playground.namespace)
    serving = asyncio.create_task(kubelet.serve_told(playground))
    yield
    serving.cancel()


@dataclass(frozen=True)
class Step:
    """One request of a life: the how manieth of its kind."""

    what: str
    number: int


def steps(requests: list[Request]) -> list[Step]:
    """The requests of a life, numbered by kind."""
    seen: Counter[str] = Counter()
    found = []
    for request in requests:
        found.append(Step(request.what, seen[request.what]))
        seen[request.what] += 1
    return found


async def live(playground: Playground, user: str) -> None:
    """A user's session from its creation to its end; it must have exactly one pod.

    It comes without labels and owner reference, so that adoption is part of its life, but with the
    derived name: others count as abandoned after their idle timeout, which here is short.
    """
    name = session_name("chess", user)
    await playground.apply_session(name, user, "chess")
    await playground.until_phase(name, "Ready")
    (pod,) = playground.made_pods(name)
    assert playground.status(name)["podUID"] == pod["metadata"]["uid"]
    await playground.until_gone(name)
    await playground.until_podless(name)
    assert len(playground.made_pods(name)) == 1


@pytest.mark.usefixtures("kubelet")
async def test_a_request_that_fails_delays_a_session_and_no_more(
    proxy: Proxy, playground: Playground, proxied_operator: OperatorProcess
) -> None:
    """Whichever request of a session's life fails in whichever way: it becomes Ready with exactly
    one pod, and ends by idling."""
    proxied_operator.start()
    await proxied_operator.ready()
    await playground.create_game("chess", session={"idleTimeout": "5s"}, template=BY_HAND)
    life = await record(proxy, playground)
    assert {"create pods", "patch gamesessions/status", "delete gamesessions"} <= {
        step.what for step in life
    }
    await each_alone(
        proxy,
        life,
        lambda user: live(playground, user),
        name_of=lambda user: session_name("chess", user),
    )


async def record(proxy: Proxy, playground: Playground) -> list[Step]:
    """All requests about one session of one life, undisturbed."""
    await live(playground, "recorded")
    name = session_name("chess", "recorded")
    return steps([request for request in proxy.requests if request.is_about(name)])


async def each_alone(
    proxy: Proxy,
    life: list[Step],
    lives: Callable[[str], Awaitable[None]],
    *,
    name_of: Callable[[str], str] = str,
) -> None:
    """One object for each step of a life and each fault, all at once; none may notice.

    Args:
        lives: the life of a case's object, from its creation to its end.
        name_of: the name of a case's object.
    """
    cases = [(step, kind) for step in life for kind in FAULTS]
    names = [f"case-{number}" for number in range(len(cases))]
    rules = [
        proxy.add(of(name_of(name), step.what), FAULTS[kind], skip=step.number)
        for name, (step, kind) in zip(names, cases, strict=True)
    ]
    outcomes = await asyncio.gather(*map(lives, names), return_exceptions=True)
    told = [f"{kind} to {step.what} #{step.number}" for step, kind in cases]
    failures = {case: found for case, found in zip(told, outcomes, strict=True) if found}
    assert failures == {}
    unmet = [case for case, rule in zip(told, rules, strict=True) if not rule.met]
    assert unmet == []


def of(name: str, what: str) -> Callable[[Request], bool]:
    """Whether a request is of that kind and about that object."""
    return lambda request: request.what == what and request.is_about(name)


async def test_a_request_that_fails_delays_a_game_and_no_more(
    proxy: Proxy, playground: Playground, proxied_operator: OperatorProcess
) -> None:
    """Whichever request about a Game fails in whichever way: it is accepted, its session becomes
    Ready, its counts are right, and it can be deleted."""
    proxied_operator.start()
    await proxied_operator.ready()

    async def lives(name: str) -> None:
        await playground.create_game(name)
        await playground.until(lambda: condition(playground.games[name], "Accepted") or None)
        session = await playground.create_session("alice", name)
        await playground.until_phase(session, "Ready")
        assert len(playground.made_pods(session)) == 1
        await playground.until(lambda: playground.games[name]["status"]["sessions"]["ready"] == 1)
        accepted = condition(playground.games[name], "Accepted")
        assert accepted is not None and accepted["status"] == "True"
        await playground.delete(GAMES, name)
        await playground.until(lambda: name not in playground.games)
        await playground.until_gone(session)

    await lives("recorded")
    life = steps([request for request in proxy.requests if request.is_about("recorded")])
    # How often counts are written, and whether that meets kopf's write, depends on the machine.
    about_games = [
        step
        for step in life
        if step.what in ("patch games", "dry-run create pods")
        or (step.what, step.number) == ("patch games/status", 0)
    ]
    assert {"patch games", "patch games/status", "dry-run create pods"} <= {
        step.what for step in about_games
    }
    await each_alone(proxy, about_games, lives)


async def test_a_pod_whose_making_was_not_answered_is_found_by_its_name(
    proxy: Proxy, playground: Playground, proxied_operator: OperatorProcess
) -> None:
    """Watch and lists of pods are away, too: only the next try can tell that the pod is there."""
    proxied_operator.start()
    await proxied_operator.ready()
    await playground.create_game("chess")
    away = ("watch pods", "list pods", "list pods (metadata)")
    proxy.add(lambda request: request.what in away, unreached, times=1000)
    proxy.cut()
    lost = proxy.add(lambda request: request.what == "create pods", unanswered)
    name = await playground.create_session("alice", "chess")
    await playground.until(lambda: playground.status(name)["phase"] in ("Starting", "Ready"))
    assert lost.met
    assert [request.what for request in proxy.requests].count("create pods") == 2
    proxy.clear()
    await playground.until_phase(name, "Ready")
    assert len(playground.made_pods(name)) == 1


async def test_an_operator_whose_first_requests_fail_starts_all_the_same(
    control_plane: ControlPlane, cluster: Cluster, tmp_path: Path
) -> None:
    """Every kind of request that it makes until it is ready, kopf's own among them, fails once. For
    each kind of fault there is an operator with a proxy and a namespace of its own."""

    async def starts(kind: str) -> None:
        (directory := tmp_path / kind).mkdir()
        async with Proxy(control_plane, directory) as proxy:
            await start_all_the_same(cluster, proxy, FAULTS[kind], directory / "operator.log")

    outcomes = await asyncio.gather(*map(starts, FAULTS), return_exceptions=True)
    failures = {kind: found for kind, found in zip(FAULTS, outcomes, strict=True) if found}
    assert failures == {}


async def start_all_the_same(cluster: Cluster, proxy: Proxy, fault: Fault, log: Path) -> None:
    """Start an operator whose requests fail the first time, and a session."""
    namespace = f"test-{secrets.token_hex(4)}"
    await cluster.create(NAMESPACES, None, {"metadata": {"name": namespace}})
    await create(cluster, namespace, game("chess"))
    met: set[str] = set()

    def first_of_its_kind(request: Request) -> bool:
        new = not request.is_about("chess") and request.what not in met
        met.add(request.what)
        return new

    proxy.add(first_of_its_kind, fault, times=1000)
    operator = OperatorProcess(proxy.kubeconfig, namespace, log)
    operator.start()
    try:
        await operator.ready()
        async with Playground(cluster, namespace) as playground:
            name = await playground.create_session("alice", "chess")
            await playground.until_phase(name, "Ready")
            assert len(playground.made_pods(name)) == 1
            # It serves from its own lists before kopf has come as far as its watches.
            await eventually(lambda: watches_everything(met))
    finally:
        operator.kill()
    assert operator.bugs() == []


async def watches_everything(met: set[str]) -> bool:
    """Whether every kind of object has been listed and watched."""
    for resource in ("games", "gamesessions", "pods"):
        assert {f"list {resource}", f"watch {resource}"} <= met
    return True
