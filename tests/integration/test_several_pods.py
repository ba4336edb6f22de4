"""Pods that are not where they should be: a foreign one under our name, several of one session."""

from __future__ import annotations

import pytest

from gamesession.api.labels import GAME_LABEL, ROLE_LABEL, SESSION_LABEL
from gamesession.api.names import pod_name
from gamesession.kube.cluster import Object
from gamesession.kube.resources import PODS, SESSIONS
from tests.integration.bodies import TEMPLATE
from tests.integration.operator_process import OperatorProcess
from tests.integration.playground import Playground

pytestmark = pytest.mark.integration


def pod(name: str, owner: Object | None = None) -> Object:
    """A pod; a session's own if an owner is given."""
    metadata: Object = {"name": name}
    if owner:
        meta = owner["metadata"]
        metadata["labels"] = {
            ROLE_LABEL: "session",
            GAME_LABEL: owner["spec"]["game"],
            SESSION_LABEL: meta["name"],
        }
        reference = {"name": meta["name"], "uid": meta["uid"], "controller": True}
        kind = {"apiVersion": SESSIONS.api_version, "kind": SESSIONS.kind}
        metadata["ownerReferences"] = [kind | reference]
    return {"metadata": metadata, "spec": TEMPLATE["spec"]}


async def test_a_foreign_pod_under_our_name_is_left_alone(
    playground: Playground, operator: OperatorProcess
) -> None:
    """The session gets the next number."""
    await operator.ready()
    await playground.create_game("chess")
    operator.kill()
    name = await playground.create_session("alice", "chess")
    session = await playground.until(lambda: playground.sessions[name])
    foreign = pod_name(name, session["metadata"]["uid"], 1)
    made = await playground.cluster.create(PODS, playground.namespace, pod(foreign))
    operator.start()
    status = await playground.until_phase(name, "Ready")
    assert status["podName"] == pod_name(name, session["metadata"]["uid"], 2)
    found = await playground.cluster.get(PODS, playground.namespace, foreign)
    assert found["metadata"]["uid"] == made["metadata"]["uid"]
    assert "deletionTimestamp" not in found["metadata"]


async def test_of_several_pods_of_a_session_the_bound_one_stays(
    playground: Playground, operator: OperatorProcess
) -> None:
    """However the others came to be, they are deleted."""
    await operator.ready()
    await playground.create_game("chess")
    name = await playground.create_session("alice", "chess")
    bound = (await playground.until_phase(name, "Ready"))["podName"]
    session = playground.sessions[name]
    for number in (7, 8):
        other = pod_name(name, session["metadata"]["uid"], number)
        await playground.cluster.create(PODS, playground.namespace, pod(other, session))
    await playground.until(lambda: len(playground.made_pods(name)) == 3)
    await playground.until(lambda: list(playground.pods) == [bound])
    assert playground.status(name)["podName"] == bound
    assert playground.status(name).get("restarts", 0) == 0


async def test_of_several_pods_of_a_session_without_a_bound_one_the_oldest_stays(
    playground: Playground, operator: OperatorProcess
) -> None:
    """As if an operator had made them and been killed before it could tell."""
    await operator.ready()
    await playground.create_game("chess")
    operator.kill()
    name = await playground.create_session("alice", "chess")
    session = await playground.until(lambda: playground.sessions[name])
    for number in (1, 2):
        other = pod_name(name, session["metadata"]["uid"], number)
        await playground.cluster.create(PODS, playground.namespace, pod(other, session))
    operator.start()
    status = await playground.until_phase(name, "Ready")
    assert status["podName"] == pod_name(name, session["metadata"]["uid"], 1)
    await playground.until(lambda: list(playground.pods) == [status["podName"]])
    assert len(playground.made_pods(name)) == 2
