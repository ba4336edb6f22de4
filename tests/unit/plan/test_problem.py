"""Why a pod does not serve, in the container's own words."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gamesession.plan.problem import MAX_MESSAGE_BYTES, Outlook, Problem, excerpt, problem_of
from tests.unit.plan.objects import (
    DISRUPTED,
    UNSCHEDULED,
    Object,
    at,
    condition,
    pod,
    running,
    terminated,
    waiting,
)


def found(**fields: Any) -> Problem | None:
    return problem_of(pod(**fields))


@pytest.mark.parametrize(
    "fields",
    [
        pytest.param({}, id="nobody has placed it yet"),
        pytest.param({"ready": True, "containers": [running()]}, id="it serves"),
        pytest.param({"containers": [waiting("ContainerCreating")]}, id="its containers are made"),
        pytest.param({"containers": [waiting("PodInitializing")]}, id="init containers run"),
        pytest.param({"containers": [waiting("")]}, id="no reason is given"),
        pytest.param(
            {"initContainerStatuses": [terminated(0)], "containers": [running()]},
            id="an init container has done its work",
        ),
        pytest.param(
            {"conditions": [condition("PodScheduled", "True", "")]}, id="it has been placed"
        ),
        pytest.param(
            {"restart_policy": "Always", "containers": [terminated(1)]},
            id="kubelet is about to restart the container",
        ),
        pytest.param(
            {"conditions": [condition("DisruptionTarget", "False", "")]}, id="disruption called off"
        ),
    ],
)
def test_no_problem(fields: dict[str, Any]) -> None:
    assert found(**fields) is None


@pytest.mark.parametrize(
    ("fields", "outlook", "reason"),
    [
        pytest.param(
            {"containers": [terminated(1)]},
            Outlook.STOPPED,
            "Error",
            id="a container stopped while others run: no restart, a new pod",
        ),
        pytest.param(
            {"phase": "Failed", "containers": [terminated(137, reason="OOMKilled")]},
            Outlook.STOPPED,
            "OOMKilled",
            id="out of memory",
        ),
        pytest.param(
            {"phase": "Succeeded", "containers": [terminated(0, reason="Completed")]},
            Outlook.STOPPED,
            "ContainerStopped",
            id="a game that ends by itself has stopped, too",
        ),
        pytest.param(
            {"phase": "Failed", "initContainerStatuses": [terminated(2, name="migrate")]},
            Outlook.STOPPED,
            "Error",
            id="an init container failed",
        ),
        pytest.param(
            {"phase": "Failed", "reason": "OutOfcpu", "message": "Node is full"},
            Outlook.STOPPED,
            "OutOfcpu",
            id="kubelet would not have it",
        ),
        pytest.param({"phase": "Failed"}, Outlook.STOPPED, "PodStopped", id="nobody says why"),
        pytest.param(
            {"phase": "Failed", "reason": "Evicted", "containers": [terminated(137)]},
            Outlook.LOST,
            "Evicted",
            id="the node needed the room: no failure of the game",
        ),
        pytest.param(
            {"conditions": [DISRUPTED], "containers": [terminated(143)]},
            Outlook.LOST,
            "DisruptionTarget",
            id="preempted, drained, on a dead node",
        ),
        pytest.param(
            {
                "phase": "Failed",
                "containers": [terminated(137, reason="ContainerStatusUnknown")],
            },
            Outlook.LOST,
            "ContainerStatusUnknown",
            id="it fell with its node",
        ),
        pytest.param(
            {"containers": [waiting("InvalidImageName")]},
            Outlook.HOPELESS,
            "InvalidImageName",
            id="no such image can be",
        ),
        pytest.param(
            {"containers": [waiting("ErrImageNeverPull")]},
            Outlook.HOPELESS,
            "ErrImageNeverPull",
            id="the image is not there and must not be fetched",
        ),
        pytest.param(
            {"containers": [waiting("ImagePullBackOff")]},
            Outlook.IMPATIENT,
            "ImagePullBackOff",
            id="the image may come yet",
        ),
        pytest.param(
            {"containers": [waiting("CreateContainerConfigError")]},
            Outlook.IMPATIENT,
            "CreateContainerConfigError",
            id="a Secret may come yet",
        ),
        pytest.param(
            {"restart_policy": "Always", "containers": [waiting("CrashLoopBackOff")]},
            Outlook.IMPATIENT,
            "CrashLoopBackOff",
            id="a template that has its containers restarted",
        ),
        pytest.param(
            {"initContainerStatuses": [waiting("ErrImagePull")], "containers": [waiting("")]},
            Outlook.IMPATIENT,
            "ErrImagePull",
            id="an init container's image",
        ),
        pytest.param(
            {"conditions": [UNSCHEDULED]},
            Outlook.WAITING,
            "Unschedulable",
            id="no room: a node may be on its way",
        ),
    ],
)
def test_the_problem(fields: dict[str, Any], outlook: Outlook, reason: str) -> None:
    problem = found(**fields)
    assert problem is not None
    assert (problem.outlook, problem.reason) == (outlook, reason)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        (
            {"containers": [terminated(3, said="out of cards\n")]},
            "Container agent stopped with exit code 3 (Error). Its last words: out of cards",
        ),
        ({"containers": [terminated(3)]}, "Container agent stopped with exit code 3 (Error)."),
        (
            {"containers": [waiting("ErrImagePull", "no such image")]},
            "Container agent cannot start: no such image",
        ),
        ({"containers": [waiting("ErrImagePull")]}, "Container agent cannot start: ErrImagePull"),
        (
            {"conditions": [UNSCHEDULED]},
            "The pod cannot be scheduled: 0/3 nodes are available",
        ),
        (
            {"phase": "Failed", "reason": "Evicted", "message": "The node was low on memory."},
            "The node was low on memory.",
        ),
        ({"conditions": [DISRUPTED]}, "The pod was taken from its node."),
        (
            {
                "restart_policy": "Always",
                "containers": [
                    waiting("CrashLoopBackOff", "back-off 10s")
                    | {"lastState": terminated(3, said="out of cards")["state"]}
                ],
            },
            "Container agent cannot start: back-off 10s Its last words: out of cards",
        ),
    ],
)
def test_the_message_is_the_containers_own(fields: dict[str, Any], message: str) -> None:
    problem = found(**fields)
    assert problem is not None
    assert problem.message == message


def test_it_says_when_the_container_stopped() -> None:
    problem = found(containers=[terminated(finished=7)])
    assert problem is not None
    assert problem.since == at(7)
    assert problem.container == "agent"


@pytest.mark.parametrize(
    ("fields", "container"),
    [
        pytest.param(
            {
                "initContainerStatuses": [terminated(137, name="sidecar", finished=9)],
                "containers": [terminated(1, finished=5)],
            },
            "agent",
            id="a sidecar is stopped after the game, and not what is to blame",
        ),
        pytest.param(
            {"containers": [terminated(0, name="helper"), terminated(1, name="agent")]},
            "agent",
            id="one that did its work is not to blame",
        ),
        pytest.param(
            {
                "containers": [
                    terminated(137, name="second", finished=9),
                    terminated(1, name="first", finished=5),
                ]
            },
            "first",
            id="the first that fell",
        ),
    ],
)
def test_of_several_that_stopped_the_culprit_is_named(
    fields: dict[str, Any], container: str
) -> None:
    problem = found(phase="Failed", **fields)
    assert problem is not None
    assert problem.container == container


@pytest.mark.parametrize(
    ("containers", "container"),
    [
        pytest.param([terminated()], "agent", id="it left no last words"),
        pytest.param([terminated(said="no cards")], "", id="its last words are in the message"),
        pytest.param([waiting("ErrImagePull")], "", id="it never ran"),
        pytest.param(
            [waiting("CrashLoopBackOff") | {"lastState": terminated()["state"]}],
            "agent",
            id="it ran before",
        ),
    ],
)
def test_whose_log_tells_more(containers: list[Object], container: str) -> None:
    problem = found(containers=containers)
    assert problem is not None
    assert problem.container == container


@pytest.mark.parametrize(
    ("outlook", "expected"),
    [
        (Outlook.STOPPED, True),
        (Outlook.LOST, True),
        (Outlook.HOPELESS, False),
        (Outlook.IMPATIENT, False),
        (Outlook.WAITING, False),
    ],
)
def test_when_another_pod_may_do_better(outlook: Outlook, expected: bool) -> None:
    assert Problem(outlook, "Why", "").wants_new_pod is expected


@given(st.text())
def test_an_excerpt_is_the_end_of_a_text_in_at_most_a_kibibyte(words: str) -> None:
    found = excerpt(words)
    assert len(found.encode()) <= MAX_MESSAGE_BYTES
    assert words.strip().endswith(found)


def test_an_excerpt_cuts_no_character_in_half() -> None:
    assert excerpt("x" + "é" * 600) == "é" * 512


def test_a_pod_that_says_nothing_is_no_problem() -> None:
    bare: Object = {"metadata": pod()["metadata"]}
    assert problem_of(bare) is None
