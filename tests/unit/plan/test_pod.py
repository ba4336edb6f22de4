"""A pod as the operator reads it."""

from __future__ import annotations

from gamesession.api.names import session_name
from gamesession.plan.pod import Pod
from tests.unit.plan.objects import a_pod, at, pod, running, terminated, waiting


def test_whose_it_is() -> None:
    found = a_pod(3)
    assert found.owner_uid == "uid-of-alice"
    assert found.player == session_name("chess", "alice")
    assert (found.game, found.role, found.start, found.attempt) == ("chess", "session", "Cold", 3)


def test_its_owner_is_the_one_that_controls_it() -> None:
    two = pod()
    other = {"apiVersion": "v1", "kind": "ConfigMap", "name": "x", "uid": "uid-of-x"}
    two["metadata"]["ownerReferences"].insert(0, other)
    assert Pod.from_object(two).owner_uid == "uid-of-alice"
    orphan = pod()
    del orphan["metadata"]["ownerReferences"]
    assert Pod.from_object(orphan).owner_uid == ""


def test_a_pod_that_nobody_has_placed_yet() -> None:
    found = a_pod()
    assert (found.ip, found.ready, found.ready_changed_at) == ("", False, None)
    assert found.is_alive
    assert found.problem is None


def test_a_pod_that_serves() -> None:
    found = a_pod(ready=True, ready_since=4, containers=[running()])
    assert (found.ip, found.ready, found.ready_changed_at) == ("10.0.0.1", True, at(4))
    assert found.running == {"agent"}


def test_a_pod_that_somebody_deleted() -> None:
    found = a_pod(deleting=30)
    assert not found.is_alive
    assert found.deleted_at == at(30), "the end of its grace period, as Kubernetes has it"


def test_only_containers_that_run_have_a_log_to_read() -> None:
    found = a_pod(containers=[running("a"), waiting("ContainerCreating", name="b")])
    assert found.running == {"a"}
    assert a_pod(containers=[terminated()]).running == frozenset()


def test_a_pod_without_anything_of_ours() -> None:
    """Whoever may label pods can make one such; it must not stop the operator."""
    found = Pod.from_object({"metadata": {**pod()["metadata"], "labels": {}, "annotations": {}}})
    assert (found.game, found.session, found.role, found.player) == ("", "", "", "")
