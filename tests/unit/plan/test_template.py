"""The pod of a game, and of one session of it."""

from __future__ import annotations

import copy
import re
from typing import Any

import pytest

from gamesession.api.game import GameSpec
from gamesession.plan.template import container_of_port, pod_template, session_pod, warm_pod

HASH = "gamelibrary.io/template-hash"
SERVICES = [{"name": "game", "port": 8080}, {"name": "live", "port": 9090}]


def spec(template: dict[str, Any] | None = None, **fields: Any) -> GameSpec:
    given = template or {"spec": {"containers": [{"name": "game", "image": "fortune-game"}]}}
    return GameSpec.model_validate({"services": SERVICES, "template": given, **fields})


def template(given: dict[str, Any] | None = None, **fields: Any) -> dict[str, Any]:
    return pod_template("fortune", spec(given, **fields))


def of(*containers: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {"spec": {"containers": list(containers), **fields}}


def with_on_close(given: dict[str, Any] | None = None, **hook: Any) -> dict[str, Any]:
    on_close = {"service": "live", "path": "/save", **hook}
    found: dict[str, Any] = template(given, hooks={"onClose": on_close})["spec"]
    return found


PRE_STOP = {"preStop": {"httpGet": {"path": "/save", "port": 9090}}}
GAME = {"name": "game", "ports": [{"containerPort": 8080}]}
LIVE = {"name": "live", "ports": [{"containerPort": 9090}]}
SIDECAR = {**LIVE, "restartPolicy": "Always"}


# What all pods of a game have in common ---------------------------------------------------------


def test_it_bears_the_names_of_its_game_and_of_what_it_is_made_of() -> None:
    labels = template()["metadata"]["labels"]

    assert labels.keys() == {"gamelibrary.io/game", HASH}
    assert labels["gamelibrary.io/game"] == "fortune"
    assert re.fullmatch("[a-z2-7]{10}", labels[HASH])


def test_labels_and_annotations_of_the_template_reach_the_pod() -> None:
    metadata = {"labels": {"app": "fortune"}, "annotations": {"note": "x"}}

    found = template({**of(GAME), "metadata": metadata})["metadata"]

    assert found["labels"]["app"] == "fortune"
    assert found["annotations"] == {"note": "x", "gamelibrary.io/ports": "game=8080,live=9090"}


def test_nothing_else_of_its_metadata_does() -> None:
    found = template({**of(GAME), "metadata": {"creationTimestamp": None, "labels": None}})

    assert found["metadata"].keys() == {"labels", "annotations"}


@pytest.mark.parametrize("kind", ["containers", "initContainers"])
def test_every_container_knows_its_game_and_its_pod(kind: str) -> None:
    own = {"name": "OWN", "value": "$(GAMESESSION_GAME)"}
    given = {"spec": {"containers": [GAME], kind: [{"name": "one", "env": [own]}, {"name": "two"}]}}

    one, two = template(given)["spec"][kind]

    assert two["env"] == [
        {"name": "GAMESESSION_GAME", "value": "fortune"},
        {"name": "GAMESESSION_POD_UID", "valueFrom": {"fieldRef": {"fieldPath": "metadata.uid"}}},
    ]
    assert one["env"] == [*two["env"], own], "ours come first, so that its own can refer to them"


@pytest.mark.parametrize("kind", ["containers", "initContainers"])
def test_every_container_is_hardened(kind: str) -> None:
    given = {"spec": {"containers": [GAME], kind: [{"name": "one"}, {"name": "two"}]}}

    for container in template(given)["spec"][kind]:
        assert container["securityContext"]["allowPrivilegeEscalation"] is False
        assert container["resources"]["limits"]


def test_the_game_stays_as_it_was() -> None:
    given = spec(hooks={"onClose": {"service": "live", "path": "/save"}})
    before = copy.deepcopy(given)

    pod_template("fortune", given)

    assert given == before


# onClose ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "kind", "index"),
    [
        (of(GAME, LIVE), "containers", 1),
        (of(LIVE, GAME), "containers", 0),
        (of(GAME, {"name": "silent"}), "containers", 0),
        (of(GAME, initContainers=[{"name": "setup"}, SIDECAR]), "initContainers", 1),
        (of(GAME, LIVE, initContainers=[SIDECAR]), "containers", 1),
        (of(GAME, initContainers=[LIVE]), "containers", 0),
    ],
    ids=[
        "the second declares the port",
        "the first declares it",
        "nobody declares it",
        "a sidecar declares it",
        "a container before a sidecar",
        "an init container is gone by then",
    ],
)
def test_on_close_goes_to_the_container_of_the_port_else_the_first(
    given: dict[str, Any], kind: str, index: int
) -> None:
    pod = with_on_close(given)

    hooked = [
        (each, place)
        for each in ("containers", "initContainers")
        for place, container in enumerate(pod.get(each, []))
        if "lifecycle" in container
    ]
    assert hooked == [(kind, index)]
    assert pod[kind][index]["lifecycle"] == PRE_STOP


def test_on_close_leaves_the_rest_of_a_lifecycle_alone() -> None:
    started = {"postStart": {"exec": {"command": ["true"]}}}

    pod = with_on_close(of({**LIVE, "lifecycle": {**started, "preStop": None}}))

    assert pod["containers"][0]["lifecycle"] == {**started, **PRE_STOP}


def test_without_on_close_there_is_no_hook_and_kubernetes_own_grace_period() -> None:
    pod = template()["spec"]

    assert "lifecycle" not in pod["containers"][0]
    assert "terminationGracePeriodSeconds" not in pod


@pytest.mark.parametrize(
    ("timeout", "given", "seconds"),
    [
        ("10s", None, 30),
        ("30s", None, 35),
        ("25500ms", None, 31),
        ("10s", 5, 15),
        ("10s", 0, 15),
        ("10s", 60, 60),
    ],
)
def test_the_grace_period_lets_on_close_finish(
    timeout: str, given: int | None, seconds: int
) -> None:
    pod = with_on_close(of(LIVE, terminationGracePeriodSeconds=given), timeout=timeout)

    assert pod["terminationGracePeriodSeconds"] == seconds


# The hash ---------------------------------------------------------------------------------------


def hash_of(given: dict[str, Any] | None = None, game: str = "fortune", **fields: Any) -> str:
    found: str = pod_template(game, spec(given, **fields))["metadata"]["labels"][HASH]
    return found


@pytest.mark.parametrize(
    "change",
    [
        {"game": "other"},
        {"given": of({"name": "game", "image": "fortune-game:2"})},
        {"services": [{"name": "game", "port": 8081}, SERVICES[1]]},
        {"services": [{"name": "luck", "port": 8080}, SERVICES[1]]},
        {"hooks": {"onClose": {"service": "live", "path": "/save"}}},
        {"hooks": {"onClaim": {"service": "live", "path": "/claim"}}},
    ],
    ids=["name", "template", "port", "service", "onClose", "onClaim"],
)
def test_another_pod_has_another_hash(change: dict[str, Any]) -> None:
    assert hash_of(**change) != hash_of()


@pytest.mark.parametrize(
    "change",
    [
        {"session": {"idleTimeout": "5s"}},
        {"suspend": True},
        {"warmPool": {"size": 3}},
        {"services": [{**SERVICES[0], "paths": ["/game"]}, SERVICES[1]]},
        {"given": of({"image": "fortune-game", "name": "game"})},
    ],
    ids=["timeouts", "suspend", "pool", "paths", "order of fields"],
)
def test_the_same_pod_has_the_same_hash(change: dict[str, Any]) -> None:
    assert hash_of(**change) == hash_of()


# Whose pod it is --------------------------------------------------------------------------------


def test_a_pod_of_a_session_says_whose_it_is_and_nothing_of_its_user() -> None:
    made = template({**of(GAME), "metadata": {"labels": {"app": "x"}, "annotations": {"a": "b"}}})

    pod = session_pod(
        made,
        name="s-0a1b2-1",
        namespace="games",
        session=("s", "0a1b2c"),
        player="fortune-bcwmgizq4e5foqre",
        start="Cold",
    )

    assert pod == {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": "s-0a1b2-1",
            "namespace": "games",
            "labels": {
                "app": "x",
                "gamelibrary.io/game": "fortune",
                HASH: made["metadata"]["labels"][HASH],
                "gamelibrary.io/session": "s",
                "gamelibrary.io/role": "session",
                "gamelibrary.io/start": "Cold",
            },
            "annotations": {
                "a": "b",
                "gamelibrary.io/ports": "game=8080,live=9090",
                "cluster-autoscaler.kubernetes.io/safe-to-evict": "false",
                "gamelibrary.io/player": "fortune-bcwmgizq4e5foqre",
            },
            "ownerReferences": [
                {
                    "apiVersion": "gamelibrary.io/v1alpha1",
                    "kind": "GameSession",
                    "name": "s",
                    "uid": "0a1b2c",
                    "controller": True,
                }
            ],
        },
        "spec": made["spec"],
    }


def test_a_pod_that_waits_is_the_same_pod_and_its_game_s() -> None:
    made = template({**of(GAME), "metadata": {"labels": {"app": "x"}, "annotations": {"a": "b"}}})

    pod = warm_pod(made, name="fortune-warm-b", namespace="games", game=("fortune", "9f"))

    assert pod["spec"] is made["spec"]
    assert pod["metadata"] == {
        "name": "fortune-warm-b",
        "namespace": "games",
        "labels": {
            "app": "x",
            "gamelibrary.io/game": "fortune",
            HASH: made["metadata"]["labels"][HASH],
            "gamelibrary.io/role": "warm",
            "gamelibrary.io/start": "Warm",
        },
        "annotations": {
            "a": "b",
            "gamelibrary.io/ports": "game=8080,live=9090",
            "cluster-autoscaler.kubernetes.io/safe-to-evict": "true",
        },
        "ownerReferences": [
            {
                "apiVersion": "gamelibrary.io/v1alpha1",
                "kind": "Game",
                "name": "fortune",
                "uid": "9f",
                "controller": True,
            }
        ],
    }


def test_one_template_serves_many_sessions() -> None:
    made = template()
    before = copy.deepcopy(made)

    one, other = (
        session_pod(made, name=n, namespace="g", session=(n, n), player=n, start="Cold")
        for n in ("one", "other")
    )

    assert made == before
    assert one["metadata"]["labels"] != other["metadata"]["labels"]


def test_a_port_is_looked_for_by_its_number() -> None:
    assert container_of_port({"containers": [GAME, LIVE]}, 9090) == LIVE
    assert container_of_port({"containers": [GAME, {**LIVE, "ports": None}]}, 9090) == GAME
