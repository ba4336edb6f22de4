"""What of a Game we refuse before the API server is asked."""

from __future__ import annotations

from typing import Any

import pytest

from gamesession.api.game import GameSpec
from gamesession.plan.refusal import refusals

SERVICES = [{"name": "game", "port": 8080}]
CURE = "leave it out, or start the operator with --allow-privileged-templates"


def found(template: dict[str, Any], allow_privileged: bool = False, **fields: Any) -> list[str]:
    spec = {"services": SERVICES, "template": template, **fields}
    return refusals(GameSpec.model_validate(spec), allow_privileged=allow_privileged)


def of(container: dict[str, Any] | None = None, **pod: Any) -> dict[str, Any]:
    return {"spec": {"containers": [{"name": "game", **(container or {})}], **pod}}


def test_a_plain_template_is_not_refused() -> None:
    assert found(of({"image": "fortune-game", "ports": [{"containerPort": 8080}]})) == []


PRIVILEGED: list[tuple[str, dict[str, Any]]] = [
    ("hostNetwork", of(hostNetwork=True)),
    ("hostPID", of(hostPID=True)),
    ("hostIPC", of(hostIPC=True)),
    ("nodeName", of(nodeName="node-1")),
    ("volumes[1].hostPath", of(volumes=[{"name": "a"}, {"name": "b", "hostPath": {"path": "/"}}])),
    ("containers[0].ports[0].hostPort", of({"ports": [{"hostPort": 80}]})),
    ("containers[0].securityContext.privileged", of({"securityContext": {"privileged": True}})),
    (
        "initContainers[0].securityContext.privileged",
        of(initContainers=[{"securityContext": {"privileged": True}}]),
    ),
    (
        "ephemeralContainers[0].securityContext.privileged",
        of(ephemeralContainers=[{"securityContext": {"privileged": True}}]),
    ),
    ("initContainers[0].ports[0].hostPort", of(initContainers=[{"ports": [{"hostPort": 80}]}])),
    (
        "securityContext.windowsOptions.hostProcess",
        of(securityContext={"windowsOptions": {"hostProcess": True}}),
    ),
    (
        "containers[0].securityContext.windowsOptions.hostProcess",
        of({"securityContext": {"windowsOptions": {"hostProcess": True}}}),
    ),
]


@pytest.mark.parametrize(("field", "template"), PRIVILEGED, ids=[each[0] for each in PRIVILEGED])
def test_what_reaches_out_of_the_pod_is_refused(field: str, template: dict[str, Any]) -> None:
    [words] = found(template)

    assert words.startswith(f"spec.template.spec.{field}: ")
    assert words.endswith(CURE)


@pytest.mark.parametrize(("field", "template"), PRIVILEGED, ids=[each[0] for each in PRIVILEGED])
def test_an_operator_that_allows_privileged_templates_refuses_none_of_it(
    field: str, template: dict[str, Any]
) -> None:
    assert found(template, allow_privileged=True) == []


def test_what_is_said_not_to_be_is_not_refused() -> None:
    calm = {"securityContext": {"privileged": False}, "ports": [{"hostPort": 0}]}
    volumes = [{"name": "a", "hostPath": None}, {"name": "b", "emptyDir": {}}]

    assert found(of(calm, hostNetwork=False, nodeName="", volumes=volumes)) == []


@pytest.mark.parametrize("field", ["name", "namespace", "finalizers", "ownerReferences"])
def test_metadata_that_would_not_reach_the_pod_is_refused(field: str) -> None:
    [words] = found({**of(), "metadata": {field: ["x"], "labels": {"app": "x"}}})

    assert words.startswith(f"spec.template.metadata.{field}: ")


def test_what_a_go_program_prints_is_not_refused() -> None:
    assert found({**of(), "metadata": {"creationTimestamp": None}}) == []


@pytest.mark.parametrize("field", ["sepc", "apiVersion", "status"])
def test_what_a_pod_template_does_not_have_is_refused(field: str) -> None:
    """The API server is shown the pod that is made of it, where this would be missing."""
    [words] = found({**of(), field: {"a": 1}})

    assert words == f"spec.template.{field}: a PodTemplateSpec has metadata and spec only"


def test_null_is_left_out_of_a_template() -> None:
    assert found({**of(), "status": None}) == []


@pytest.mark.parametrize("depth", [100, 9_000])
@pytest.mark.parametrize("inner", [{}, {"leaf": [1]}])
def test_a_template_that_is_nested_without_end_is_refused(depth: int, inner: Any) -> None:
    """Python could not even copy it."""
    for number in range(depth):
        inner = {"a": inner} if number % 2 else [inner]

    [words] = found(of(affinity=inner))

    assert words.startswith("spec.template: is nested deeper than 50 levels")


@pytest.mark.parametrize("kind", ["labels", "annotations"])
@pytest.mark.parametrize("name", ["gamelibrary.io/role", "x.gamelibrary.io/y"])
def test_names_of_our_group_are_the_operators_own(kind: str, name: str) -> None:
    metadata = {kind: {name: "warm", "app": "x", "gamelibrary.io.example.com/a": "b"}}

    [words] = found({**of(), "metadata": metadata}, allow_privileged=True)

    assert words.startswith(f"spec.template.metadata.{kind}: {name} is")


@pytest.mark.parametrize("variable", ["GAMESESSION_GAME", "GAMESESSION_POD_UID"])
def test_the_environment_we_set_is_ours(variable: str) -> None:
    [words] = found(of({"env": [{"name": "OWN"}, {"name": variable, "value": "x"}]}))

    assert f"container 'game' sets {variable}" in words


@pytest.mark.parametrize("hook", ["onClaim", "onClose"])
def test_a_hook_goes_to_a_service_of_the_game(hook: str) -> None:
    [words] = found(of(), hooks={hook: {"service": "luck", "path": "/"}})

    assert words.startswith(f"spec.hooks.{hook}.service: 'luck' is none of spec.services")


ON_CLOSE = {"onClose": {"service": "game", "path": "/save"}}
OWN = {"lifecycle": {"preStop": {"exec": {"command": ["true"]}}}}


def test_a_pre_stop_where_on_close_goes_is_refused() -> None:
    [words] = found(of(OWN), hooks=ON_CLOSE)

    assert "container 'game' has a lifecycle.preStop of its own" in words


def test_a_pre_stop_elsewhere_is_not_refused() -> None:
    assert found(of(OWN)) == []
    other = {"name": "other", "ports": [{"containerPort": 8080}]}
    both = {"spec": {"containers": [{"name": "game", **OWN}, other]}}
    assert found(both, hooks=ON_CLOSE) == []


@pytest.mark.parametrize(
    ("template", "words"),
    [
        ({}, "spec.template.spec.containers: must hold at least one container"),
        ({"spec": None}, "spec.template.spec.containers: must hold at least one container"),
        (
            {"spec": {"containers": []}},
            "spec.template.spec.containers: must hold at least one container",
        ),
        ({"spec": {"containers": {}}}, "spec.template.spec.containers: must be a list"),
        ({"spec": {"containers": [None]}}, "spec.template.spec.containers[0]: must be an object"),
        (of({"env": "x"}), "spec.template.spec.containers[0].env: must be a list"),
        (
            of({"securityContext": {"capabilities": {"add": [5]}}}),
            "spec.template.spec.containers[0].securityContext.capabilities.add[0]: must be text",
        ),
        (
            of(terminationGracePeriodSeconds="5"),
            "spec.template.spec.terminationGracePeriodSeconds: must be a number",
        ),
        (
            of(terminationGracePeriodSeconds=True),
            "spec.template.spec.terminationGracePeriodSeconds: must be a number",
        ),
        ({**of(), "metadata": {"labels": []}}, "spec.template.metadata.labels: must be an object"),
    ],
)
def test_what_is_no_pod_template_is_refused_before_we_add_to_it(
    template: dict[str, Any], words: str
) -> None:
    assert found(template, hooks=ON_CLOSE) == [words]
