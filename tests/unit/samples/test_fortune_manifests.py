"""What is applied to a cluster fits the code, and itself."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml
from fortune_game.settings import Settings

from gamesession.api.game import GameSpec
from gamesession.api.session import GameSessionSpec

CLUSTER_WIDE = {"Namespace", "ClusterRole", "ClusterRoleBinding"}


def objects(sample: Path, name: str) -> list[Any]:
    return [*yaml.safe_load_all((sample / name).read_text())]


def named(documents: list[Any], kind: str) -> Any:
    (found,) = [document for document in documents if document["kind"] == kind]
    return found


def test_the_services_of_the_game_are_the_ports_of_the_code(sample: Path) -> None:
    (game,) = objects(sample, "game.yaml")
    ports = {service["name"]: service["port"] for service in game["spec"]["services"]}
    settings = Settings.from_environment({})
    assert ports == {"fortune_agent": settings.agent_port, "live_service": settings.live_port}
    (container,) = game["spec"]["template"]["spec"]["containers"]
    assert {port["containerPort"] for port in container["ports"]} == {*ports.values()}
    for hook in game["spec"]["hooks"].values():
        assert hook["service"] in ports
        assert not hook["path"].startswith("/api/")
    assert container["readinessProbe"]["httpGet"] == {"path": "/healthz", "port": 8001}


def test_the_operator_reads_the_game_and_the_session(sample: Path) -> None:
    (game,), (session,) = objects(sample, "game.yaml"), objects(sample, "gamesession.yaml")
    spec = GameSpec.model_validate(game["spec"])
    assert spec.route == "fortune" and spec.hooks.on_close and spec.hooks.on_claim
    assert GameSessionSpec.model_validate(session["spec"]).user == "alice"


def test_the_session_is_one_of_the_game(sample: Path) -> None:
    (game,), (session,) = objects(sample, "game.yaml"), objects(sample, "gamesession.yaml")
    assert session["apiVersion"] == game["apiVersion"] == "gamelibrary.io/v1alpha1"
    assert session["spec"] == {"user": "alice", "game": game["metadata"]["name"]}


def test_the_game_asks_the_environment_for_the_service_that_redis_has(sample: Path) -> None:
    (game,) = objects(sample, "game.yaml")
    service = named(objects(sample, "redis.yaml"), "Service")
    prefix = service["metadata"]["name"].upper().replace("-", "_") + "_SERVICE"
    spec = game["spec"]["template"]["spec"]
    assert spec["enableServiceLinks"] is True
    assert spec["containers"][0]["env"] == [
        {"name": "REDIS_URL", "value": f"redis://$({prefix}_HOST):$({prefix}_PORT)/0"}
    ]


def test_redis_satisfies_the_restricted_pod_security_standard(sample: Path) -> None:
    pod = named(objects(sample, "redis.yaml"), "Deployment")["spec"]["template"]["spec"]
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["runAsUser"] > 0
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    for container in pod["containers"]:
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "capabilities": {"drop": ["ALL"]},
            "readOnlyRootFilesystem": True,
        }
    assert [set(volume) & {"emptyDir"} for volume in pod["volumes"]] == [{"emptyDir"}]


def test_selectors_find_what_they_mean(sample: Path) -> None:
    documents = objects(sample, "redis.yaml")
    deployment = named(documents, "Deployment")
    labels = deployment["spec"]["template"]["metadata"]["labels"].items()
    policy = named(documents, "NetworkPolicy")["spec"]
    assert deployment["spec"]["selector"]["matchLabels"].items() <= labels
    assert named(documents, "Service")["spec"]["selector"].items() <= labels
    assert policy["podSelector"]["matchLabels"].items() <= labels
    (game,) = objects(sample, "game.yaml")
    assert policy["ingress"][0]["from"] == [
        {"podSelector": {"matchLabels": {"gamelibrary.io/game": game["metadata"]["name"]}}}
    ]


def test_everything_goes_into_the_namespace_that_kubectl_is_told(sample: Path) -> None:
    for path in sorted(sample.glob("*.yaml")):
        for document in objects(sample, path.name):
            assert "namespace" not in document["metadata"], path.name
            assert document["kind"] not in CLUSTER_WIDE


def test_images_are_taken_from_the_node_when_they_are_there(sample: Path) -> None:
    (game,) = objects(sample, "game.yaml")
    deployment = named(objects(sample, "redis.yaml"), "Deployment")
    images = {
        container["image"]: container["imagePullPolicy"]
        for workload in (game, deployment)
        for container in workload["spec"]["template"]["spec"]["containers"]
    }
    assert images == {
        "localhost/gamesession/fortune-game:dev": "IfNotPresent",
        "localhost/gamesession/fortune-redis:dev": "IfNotPresent",
    }


def test_every_package_is_pinned_with_hashes_and_no_host(sample: Path) -> None:
    text = (sample / "app" / "requirements.txt").read_text()
    entries = [entry for entry in re.split(r"\n(?=[a-z])", text) if not entry.startswith("#")]
    assert len(entries) > 5
    for entry in entries:
        assert re.match(r"[a-z0-9-]+==[0-9.]+( ;.*)? \\\n +--hash=sha256:[0-9a-f]{64}", entry)
    assert "://" not in text and "index" not in text
