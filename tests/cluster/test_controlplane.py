"""A control plane of one's own is a real one: pods, garbage collection, tokens, failures."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cluster.api import API, APIError
from tests.cluster.controlplane import ControlPlane
from tests.cluster.errors import CommandError, ComponentError, PrerequisiteError
from tests.cluster.waiting import wait_for

pytestmark = pytest.mark.integration
PODS = "/api/v1/namespaces/default/pods"
OWNERS = "/apis/test.gamesession/v1/namespaces/default/owners"
OWNER_CRD = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "metadata": {"name": "owners.test.gamesession"},
    "spec": {
        "group": "test.gamesession",
        "scope": "Namespaced",
        "names": {
            "plural": "owners",
            "singular": "owner",
            "kind": "Owner",
            "listKind": "OwnerList",
        },
        "versions": [
            {
                "name": "v1",
                "served": True,
                "storage": True,
                "schema": {"openAPIV3Schema": {"type": "object"}},
            }
        ],
    },
}


@pytest.fixture(scope="module")
def plane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    """A control plane that these tests may break, with a kind that owns pods."""
    crd = tmp_path_factory.mktemp("crds") / "owners.json"
    crd.write_text(json.dumps(OWNER_CRD))
    try:
        started = ControlPlane(crds=crd)
        started.start_all()
    except PrerequisiteError as error:
        pytest.skip(str(error))
    yield started
    started.close()


def pod(name: str, owner: dict[str, Any] | None = None) -> dict[str, Any]:
    """A pod that nothing needs to be pulled for, since nothing runs."""
    metadata: dict[str, Any] = {"name": name}
    if owner is not None:
        fields = {key: owner[key] for key in ("apiVersion", "kind")}
        ids = {key: owner["metadata"][key] for key in ("name", "uid")}
        metadata["ownerReferences"] = [{**fields, **ids, "controller": True}]
    return {"metadata": metadata, "spec": {"containers": [{"name": "main", "image": "any"}]}}


def phase(api: API, name: str) -> str:
    """A pod's phase."""
    found: str = api.get(f"{PODS}/{name}")["status"]["phase"]
    return found


def gone(api: API, path: str) -> bool:
    """Whether there is nothing at a path."""
    try:
        api.get(path)
    except APIError as error:
        return error.status == 404
    return False


def test_a_pod_is_scheduled_and_becomes_ready_with_an_address(plane: ControlPlane) -> None:
    """kwok plays kubelet: what controllers see is what they would see of a real one."""
    plane.api.post(PODS, pod("alone"))
    wait_for(lambda: phase(plane.api, "alone") == "Running", 30, "the pod to run")
    status = plane.api.get(f"{PODS}/alone")["status"]
    assert {each["type"]: each["status"] for each in status["conditions"]}["Ready"] == "True"
    assert status["podIP"].startswith("127.")


def test_many_pods_have_addresses_of_their_own(plane: ControlPlane) -> None:
    """Two sessions at one address would be a bug of the product, so it must not be one of ours."""
    names = [f"many-{number}" for number in range(300)]
    for name in names:
        plane.api.post(PODS, pod(name))

    def addresses() -> list[str]:
        pods = plane.api.get(PODS)["items"]
        many = [each for each in pods if each["metadata"]["name"] in names]
        return [each["status"]["podIP"] for each in many if "podIP" in each["status"]]

    wait_for(lambda: len(addresses()) == len(names), 120, "all pods to have an address")
    assert len(set(addresses())) == len(names)


def test_pods_go_with_an_owner_of_our_own_kind(plane: ControlPlane) -> None:
    """The garbage collector knows kinds given at the start, without its 30 s round."""
    owner = plane.api.post(
        OWNERS, {"apiVersion": "test.gamesession/v1", "kind": "Owner", "metadata": {"name": "one"}}
    )
    plane.api.post(PODS, pod("owned", owner))
    wait_for(lambda: phase(plane.api, "owned") == "Running", 30, "the pod to run")
    plane.api.delete(f"{OWNERS}/one")
    wait_for(lambda: gone(plane.api, f"{PODS}/owned"), 20, "the pod to be collected")


def test_a_restarted_api_server_still_has_what_it_had(plane: ControlPlane) -> None:
    """Its state is etcd's, and it comes back at the same address."""
    plane.api.post(PODS, pod("lasting"))
    plane.restart("kube-apiserver")
    assert plane.api.get(f"{PODS}/lasting")["metadata"]["name"] == "lasting"


def test_a_stopped_api_server_is_away_until_it_is_started(plane: ControlPlane) -> None:
    """For tests of what happens meanwhile."""
    plane.stop("kube-apiserver")
    with pytest.raises(OSError, match="refused"):
        plane.api.get("/version")
    plane.start("kube-apiserver")
    assert plane.api.get("/version")["gitVersion"].startswith("v1.")


def test_a_paused_scheduler_schedules_when_it_goes_on(plane: ControlPlane) -> None:
    """Standing still is not ending: no event is lost."""
    plane.pause("kube-scheduler")
    plane.api.post(PODS, pod("patient"))
    assert "nodeName" not in plane.api.get(f"{PODS}/patient")["spec"]
    plane.resume("kube-scheduler")
    wait_for(lambda: phase(plane.api, "patient") == "Running", 60, "the pod to run")


def test_a_service_account_may_do_what_its_roles_say(plane: ControlPlane) -> None:
    """RBAC is on: without a role nothing."""
    api = API(
        plane.server,
        plane.service_account_token("default", "default"),
        plane.site.credentials.server_certificate,
    )
    with pytest.raises(APIError, match="cannot list resource") as caught:
        api.get(PODS)
    assert caught.value.status == 403


def test_kubectl_speaks_to_this_control_plane_and_no_other(plane: ControlPlane) -> None:
    """Also with a kubeconfig for another user."""
    assert plane.server in plane.kubectl("cluster-info")
    path = plane.kubeconfig_for(plane.service_account_token("default", "default"), "nobody")
    with pytest.raises(CommandError, match="system:serviceaccount:default:default"):
        plane.kubectl(f"--kubeconfig={path}", "get", "pods")


def test_pod_security_admission_is_on(plane: ControlPlane) -> None:
    """A namespace's label is enough to keep privileged pods out."""
    label = {"pod-security.kubernetes.io/enforce": "restricted"}
    plane.api.post("/api/v1/namespaces", {"metadata": {"name": "strict", "labels": label}})
    path = "/api/v1/namespaces/strict/serviceaccounts/default"
    wait_for(lambda: not gone(plane.api, path), 30, "the namespace's service account")
    with pytest.raises(APIError, match='violates PodSecurity "restricted') as caught:
        plane.api.post("/api/v1/namespaces/strict/pods", pod("loose"))
    assert caught.value.status == 403


def test_a_component_that_cannot_start_shows_the_end_of_its_log() -> None:
    """Nobody has to look for the log, which is gone by then."""
    with pytest.raises(ComponentError, match="kube-apiserver ended") as caught:
        ControlPlane(api_server=["--no-such-flag"]).start_all()
    assert "unknown flag: --no-such-flag" in str(caught.value)


def test_two_control_planes_do_not_meet(plane: ControlPlane) -> None:
    """Two checkouts may run their tests at once; closing one leaves nothing of it."""
    with ControlPlane(kwok=False, scheduler=False) as other:
        assert other.server != plane.server
        directory: Path = other.site.directory
        assert other.api.get("/api/v1/nodes")["items"] == []
        assert len(plane.api.get("/api/v1/nodes")["items"]) == 1
    assert not directory.exists()
