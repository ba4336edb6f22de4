"""More sessions than pods: `maxSessions`, and a namespace's ResourceQuota."""

from __future__ import annotations

import pytest

from gamesession.api.labels import SESSION_LABEL
from gamesession.kube.cluster import Cluster
from gamesession.kube.resources import SESSIONS, Resource
from tests.eventually import eventually
from tests.integration.condition import message, reason
from tests.integration.kubelet import BY_HAND, Kubelet
from tests.integration.operator_process import OperatorProcess
from tests.integration.playground import Playground

pytestmark = pytest.mark.integration

QUOTAS = Resource("", "v1", "resourcequotas", "ResourceQuota")


async def test_who_came_first_is_served_first(shared: Playground) -> None:
    """With two places, each session that ends makes room for the next in order of creation."""
    await shared.create_game("queue", limits={"maxSessions": 2})
    names = [await shared.create_session(f"user-{number}", "queue") for number in range(5)]
    for name in names[:2]:
        await shared.until_phase(name, "Ready")
    for name in names[2:]:
        status = await shared.until_told(name)
        assert (status["phase"], reason(status)) == ("Pending", "AwaitingCapacity")
        assert "maxSessions" in message(status)
        assert not shared.made_pods(name)
    for ending, following in ((0, 2), (2, 3), (1, 4)):
        await shared.delete(SESSIONS, names[ending])
        await shared.until_phase(names[following], "Ready")
        assert len([name for name in names if shared.living_pods_of(name)]) <= 2
    made = [pod["metadata"]["labels"] for pod in shared.made_in_game("queue")]
    assert [labels[SESSION_LABEL] for labels in made] == names


async def test_more_places_are_given_at_once(shared: Playground) -> None:
    """A raised maxSessions lets those in who wait."""
    await shared.create_game("growing", limits={"maxSessions": 1})
    names = [await shared.create_session(f"user-{number}", "growing") for number in range(3)]
    await shared.until_phase(names[0], "Ready")
    await shared.until(lambda: reason(shared.status(names[2])) == "AwaitingCapacity")
    await shared.change_game("growing", limits={"maxSessions": 3})
    for name in names:
        await shared.until_phase(name, "Ready")


async def test_a_failed_session_takes_no_place(shared: Playground) -> None:
    """The next one starts as soon as the one before has Failed."""
    kubelet = Kubelet(shared.cluster, shared.namespace)
    await shared.create_game("failing", limits={"maxSessions": 1}, template=BY_HAND)
    first = await shared.create_session("alice", "failing")
    (pod,) = await shared.until(lambda: shared.living_pods_of(first) or None)
    second = await shared.create_session("bob", "failing")
    await shared.until(lambda: reason(shared.status(second)) == "AwaitingCapacity")
    await kubelet.hold(pod["metadata"]["name"], "InvalidImageName", "no such name")
    await shared.until_phase(first, "Failed")
    await shared.until(lambda: shared.living_pods_of(second) or None)


async def test_a_place_that_is_kept_through_a_lost_pod(shared: Playground) -> None:
    """A session whose pod is replaced does not lose its place to one that came later."""
    await shared.create_game("keeping", limits={"maxSessions": 1})
    first = await shared.create_session("alice", "keeping")
    before = await shared.until_phase(first, "Ready")
    second = await shared.create_session("bob", "keeping")
    await shared.until(lambda: reason(shared.status(second)) == "AwaitingCapacity")
    await Kubelet(shared.cluster, shared.namespace).evict(before["podName"])
    await shared.until(
        lambda: (
            shared.status(first)["phase"] == "Ready"
            and shared.status(first)["podName"] != before["podName"]
        )
    )
    assert not shared.made_pods(second)


async def counts(cluster: Cluster, namespace: str) -> bool:
    """Whether the quota is in force: Kubernetes' controller has counted what there is."""
    quota = await cluster.get(QUOTAS, namespace, "pods")
    return "used" in quota.get("status", {})


async def test_a_quota_holds_sessions_back_until_it_is_lifted(
    cluster: Cluster, playground: Playground, operator: OperatorProcess
) -> None:
    """Pending with the API server's words, and started without anybody's help."""
    quota = {"metadata": {"name": "pods"}, "spec": {"hard": {"pods": "1"}}}
    await operator.ready()
    await playground.create_game("chess")
    await cluster.create(QUOTAS, playground.namespace, quota)
    await eventually(lambda: counts(cluster, playground.namespace))
    names = [await playground.create_session(user, "chess") for user in ("alice", "bob")]
    await playground.until_phase(names[0], "Ready")
    status = await playground.until_told(names[1])
    assert (status["phase"], reason(status)) == ("Pending", "QuotaExceeded")
    assert "exceeded quota: pods" in message(status)
    body = {"spec": {"hard": {"pods": "2"}}}
    await cluster.merge_patch(QUOTAS, playground.namespace, "pods", body)
    await playground.until_phase(names[1], "Ready", deadline=30)
    assert len(playground.made_pods(names[1])) == 1
