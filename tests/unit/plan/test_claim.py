"""The one write by which a session gets a pod that waited."""

from __future__ import annotations

from gamesession.plan.claim import claim_patch
from tests.unit.plan.objects import a_session, a_warm_pod

POD = a_warm_pod(uid="pod-1")
ANN = a_session("ann", name="ann-plays", uid="session-1")
PATCH = claim_patch(POD, "game-1", ANN)


def test_it_is_for_that_pod_only_while_it_waits_and_is_the_games() -> None:
    assert [each for each in PATCH if each["op"] == "test"] == [
        {"op": "test", "path": "/metadata/uid", "value": "pod-1"},
        {"op": "test", "path": "/metadata/labels/gamelibrary.io~1role", "value": "warm"},
        {"op": "test", "path": "/metadata/ownerReferences/0/uid", "value": "game-1"},
    ]


def test_it_is_tested_before_anything_is_changed() -> None:
    assert [each["op"] for each in PATCH[:3]] == ["test"] * 3


def test_kubelet_may_write_meanwhile() -> None:
    """A resource version among the tests would lose good pods to the status writes of kubelet."""
    assert "resourceVersion" not in str(PATCH)


def test_the_session_is_the_only_owner_then() -> None:
    """Or the pod would live on after the session, for as long as the Game does."""
    [change] = [each for each in PATCH[3:] if each["path"] == "/metadata/ownerReferences"]
    assert change["op"] == "replace"
    [owner] = change["value"]
    assert owner == {
        "apiVersion": "gamelibrary.io/v1alpha1",
        "kind": "GameSession",
        "name": "ann-plays",
        "uid": "session-1",
        "controller": True,
    }


def test_its_labels_and_annotations_are_those_of_a_sessions_pod() -> None:
    """The player by the derived name, whatever the session is called."""
    assert {each["path"].removeprefix("/metadata/"): each["value"] for each in PATCH[4:]} == {
        "labels/gamelibrary.io~1role": "session",
        "labels/gamelibrary.io~1session": "ann-plays",
        "annotations/gamelibrary.io~1player": a_session("ann").name,
        "annotations/cluster-autoscaler.kubernetes.io~1safe-to-evict": "false",
    }


def test_how_it_was_started_and_from_what_stays() -> None:
    assert not any(word in str(PATCH) for word in ("/start", "template-hash", "/ports"))
