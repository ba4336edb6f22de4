"""The defaults that a pod template gets for what it leaves out."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from gamesession.plan.hardening import LIMITS, REQUESTS, harden_container, harden_pod

TOLERATIONS = [
    {"key": f"node.kubernetes.io/{taint}", "operator": "Exists"}
    | {"effect": "NoExecute", "tolerationSeconds": 30}
    for taint in ("not-ready", "unreachable")
]
RESTRICTED = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}}


def pod(**fields: Any) -> dict[str, Any]:
    """A pod of one container, hardened."""
    given: dict[str, Any] = {"containers": [{"name": "game"}], **copy.deepcopy(fields)}
    for container in given["containers"]:
        harden_container(container, given)
    harden_pod(given)
    return given


def container(**fields: Any) -> dict[str, Any]:
    """The only container of a pod, hardened."""
    found: dict[str, Any] = pod(containers=[{"name": "game", **fields}])["containers"][0]
    return found


def test_a_pod_that_says_nothing_gets_all_defaults() -> None:
    found = pod()

    assert found == {
        "containers": found["containers"],
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "restartPolicy": "Never",
        "securityContext": {
            "runAsNonRoot": True,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "tolerations": TOLERATIONS,
    }


def test_a_container_that_says_nothing_gets_all_defaults() -> None:
    assert container() == {
        "name": "game",
        "securityContext": RESTRICTED,
        "resources": {"requests": REQUESTS, "limits": LIMITS},
    }


def test_a_pod_gets_no_user_and_no_read_only_file_system() -> None:
    """Which user can read an image's files, and what a program writes, only they know."""
    assert "runAsUser" not in pod()["securityContext"]
    assert "readOnlyRootFilesystem" not in container()["securityContext"]


@pytest.mark.parametrize(
    "said",
    [
        {"automountServiceAccountToken": True},
        {"enableServiceLinks": True},
        {"restartPolicy": "OnFailure"},
    ],
    ids=lambda said: next(iter(said)),
)
def test_what_a_pod_says_stands(said: dict[str, Any]) -> None:
    assert said.items() <= pod(**said).items()


def test_null_is_nothing_said() -> None:
    assert pod(enableServiceLinks=None, securityContext=None, tolerations=None) == pod()
    assert container(securityContext=None, resources=None) == container()


def test_what_a_security_context_says_stands() -> None:
    said = {"runAsNonRoot": False, "seccompProfile": {"type": "Unconfined"}, "runAsUser": 7}

    assert pod(securityContext=said)["securityContext"] == said


def test_a_container_keeps_the_capabilities_it_adds() -> None:
    found = container(securityContext={"capabilities": {"add": ["NET_BIND_SERVICE"]}})

    assert found["securityContext"]["capabilities"] == {
        "add": ["NET_BIND_SERVICE"],
        "drop": ["ALL"],
    }


@pytest.mark.parametrize(
    "said",
    [{"privileged": True}, {"capabilities": {"add": ["SYS_ADMIN"]}}],
    ids=["privileged", "SYS_ADMIN"],
)
def test_what_the_api_server_takes_for_a_contradiction_is_not_filled_in(
    said: dict[str, Any],
) -> None:
    assert "allowPrivilegeEscalation" not in container(securityContext=said)["securityContext"]


def test_a_pod_that_asks_for_root_is_not_told_to_run_as_another() -> None:
    assert "runAsNonRoot" not in pod(securityContext={"runAsUser": 0})["securityContext"]


def test_a_container_that_asks_for_root_is_the_only_one_to_get_it() -> None:
    root = {"name": "root", "securityContext": {"runAsUser": 0}}

    found = pod(containers=[root, {"name": "game"}])

    assert found["securityContext"]["runAsNonRoot"] is True
    assert found["containers"][0]["securityContext"]["runAsNonRoot"] is False
    assert "runAsNonRoot" not in found["containers"][1]["securityContext"]


def test_a_pod_that_forbids_root_forbids_it_to_all_containers() -> None:
    root = {"name": "root", "securityContext": {"runAsUser": 0}}

    found = pod(containers=[root], securityContext={"runAsNonRoot": True})

    assert "runAsNonRoot" not in found["containers"][0]["securityContext"]


def test_windows_gets_none_of_linux() -> None:
    found = pod(os={"name": "windows"})

    assert found["securityContext"] == {"runAsNonRoot": True}
    assert found["containers"][0]["securityContext"] == {}


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (
            {"limits": {"memory": "1Gi"}},
            {
                "limits": {"memory": "1Gi", "cpu": LIMITS["cpu"]},
                "requests": {"cpu": REQUESTS["cpu"]},
            },
        ),
        (
            {"requests": {"cpu": "2"}},
            {
                "requests": {"cpu": "2", "memory": REQUESTS["memory"]},
                "limits": {"memory": LIMITS["memory"]},
            },
        ),
        (
            {"limits": {"example.com/gpu": 1}},
            {"limits": {"example.com/gpu": 1, **LIMITS}, "requests": REQUESTS},
        ),
    ],
    ids=["a memory limit", "a CPU request", "a device"],
)
def test_resources_are_filled_in_one_by_one(said: dict[str, Any], expected: dict[str, Any]) -> None:
    assert container(resources=said)["resources"] == expected


def test_a_budget_of_the_whole_pod_leaves_its_containers_alone() -> None:
    found = pod(resources={"limits": {"cpu": "2", "memory": "1Gi"}})

    assert "resources" not in found["containers"][0]


@pytest.mark.parametrize(
    ("said", "added"),
    [
        ([{"key": "gpu", "operator": "Exists"}], TOLERATIONS),
        ([{"operator": "Exists"}], []),
        ([{"key": "node.kubernetes.io/not-ready", "operator": "Exists"}], TOLERATIONS[1:]),
        (
            [{"key": "node.kubernetes.io/unreachable", "effect": "NoSchedule"}],
            TOLERATIONS,
        ),
        ([{**TOLERATIONS[1], "tolerationSeconds": 600}], TOLERATIONS[:1]),
    ],
    ids=["of another taint", "of all", "of one", "of another effect", "of its own length"],
)
def test_a_lost_node_is_tolerated_for_30_seconds_unless_the_template_says_how_long(
    said: list[dict[str, Any]], added: list[dict[str, Any]]
) -> None:
    assert pod(tolerations=said)["tolerations"] == [*said, *added]
