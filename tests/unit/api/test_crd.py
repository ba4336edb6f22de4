"""The CustomResourceDefinitions: in step with the models, and structural."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from gamesession.api.crd import crds, main, render_crds
from gamesession.api.duration import PATTERN

CRDS = Path(__file__).parents[3] / "crds"
CRD_BY_KIND = {crd["spec"]["names"]["kind"]: crd for crd in crds()}
GAME, SESSION = CRD_BY_KIND["Game"], CRD_BY_KIND["GameSession"]


def version(crd: dict[str, Any]) -> dict[str, Any]:
    [only] = crd["spec"]["versions"]
    found: dict[str, Any] = only
    return found


def schema(crd: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = version(crd)["schema"]["openAPIV3Schema"]
    return found


def fields(part: dict[str, Any], path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every field below a schema, and its own schema."""
    yield path, part
    for name, child in part.get("properties", {}).items():
        yield from fields(child, f"{path}.{name}")
    for key in ("items", "additionalProperties"):
        if key in part:
            yield from fields(part[key], f"{path}[]")


def test_the_files_are_what_the_models_say() -> None:
    written = {path.name: path.read_text() for path in CRDS.iterdir()}

    assert written == render_crds(), "run `python -m gamesession.api.crd`"


def test_they_are_written_where_one_asks(tmp_path: Path) -> None:
    main(tmp_path)

    names = ["gamelibrary.io_games.yaml", "gamelibrary.io_gamesessions.yaml"]
    assert sorted(path.name for path in tmp_path.iterdir()) == names
    assert yaml.safe_load((tmp_path / names[0]).read_text()) == GAME


@pytest.mark.parametrize("crd", [GAME, SESSION], ids=["Game", "GameSession"])
def test_the_schema_is_structural(crd: dict[str, Any]) -> None:
    forbidden = {"$ref", "$defs", "anyOf", "allOf", "oneOf", "title", "const"}

    for path, part in fields(schema(crd)):
        assert not forbidden & part.keys(), path
        assert isinstance(part["type"], str), path


@pytest.mark.parametrize("crd", [GAME, SESSION], ids=["Game", "GameSession"])
def test_every_field_explains_itself(crd: dict[str, Any]) -> None:
    silent = [
        path
        for path, part in fields(schema(crd))
        if "description" not in part
        and not path.endswith("[]")
        and path not in (".apiVersion", ".kind", ".metadata")
    ]

    assert silent == []


@pytest.mark.parametrize("crd", [GAME, SESSION], ids=["Game", "GameSession"])
def test_a_description_names_the_default(crd: dict[str, Any]) -> None:
    """`kubectl explain` does not show defaults by itself."""
    for path, part in fields(schema(crd)["properties"]["spec"]):
        if part.get("default") not in (None, {}, []):
            default = str(part["default"]).lower() if part["type"] == "boolean" else part["default"]
            assert f"Default: {default}." in part["description"], path


def test_all_fields_of_the_contract_are_there() -> None:
    assert [*schema(GAME)["properties"]["spec"]["properties"]] == [
        "route",
        "services",
        "stripPrefix",
        "forwardAuthorization",
        "suspend",
        "session",
        "limits",
        "warmPool",
        "hooks",
        "fallback",
        "template",
    ]
    assert [*schema(SESSION)["properties"]["spec"]["properties"]] == ["user", "game", "idleTimeout"]
    assert {*schema(SESSION)["properties"]["status"]["properties"]} == {
        *["phase", "conditions", "podName", "podUID", "podIP", "services", "startKind"],
        *["lastActivity", "startedAt", "startingSince", "readyAt", "failedAt"],
        *["restarts", "failures", "observedGeneration"],
    }


def test_only_the_template_keeps_what_it_does_not_know() -> None:
    loose = [
        path
        for crd in (GAME, SESSION)
        for path, part in fields(schema(crd))
        if "x-kubernetes-preserve-unknown-fields" in part
    ]

    assert loose == [".spec.template"]


def test_the_upper_bound_of_idle_timeouts_has_no_default_for_it_is_computed() -> None:
    policy = schema(GAME)["properties"]["spec"]["properties"]["session"]

    assert "default" not in policy["properties"]["maxIdleTimeout"]
    assert policy["default"] == {}


def test_durations_have_the_pattern_of_the_contract() -> None:
    durations = {
        path: part["pattern"]
        for crd in (GAME, SESSION)
        for path, part in fields(schema(crd))
        if re.search(r"(Timeout|Lifetime|\.timeout)$", path)
    }

    assert len(durations) == 6
    assert set(durations.values()) == {PATTERN} == {"^([0-9]+(ms|s|m|h))+$"}


@pytest.mark.parametrize(
    ("crd", "narrow", "wide"),
    [
        (GAME, ["Route", "Ready", "Warm", "Idle Timeout", "Accepted", "Age"], []),
        (
            SESSION,
            ["User", "Game", "Phase", "Start", "Last Activity", "Age"],
            ["Pod", "IP", "Reason"],
        ),
    ],
    ids=["Game", "GameSession"],
)
def test_columns_are_those_of_the_contract(
    crd: dict[str, Any], narrow: list[str], wide: list[str]
) -> None:
    columns = version(crd)["additionalPrinterColumns"]

    assert [column["name"] for column in columns if not column.get("priority")] == narrow
    assert [column["name"] for column in columns if column.get("priority")] == wide


def test_names_are_those_of_the_contract() -> None:
    assert GAME["metadata"]["name"] == "games.gamelibrary.io"
    assert SESSION["metadata"]["name"] == "gamesessions.gamelibrary.io"
    assert SESSION["spec"]["names"]["shortNames"] == ["gs"]
    assert SESSION["spec"]["names"]["categories"] == ["gamelibrary"]
    assert all(version(crd)["subresources"] == {"status": {}} for crd in crds())
    selectable = version(SESSION)["selectableFields"]
    assert [field["jsonPath"] for field in selectable] == [".spec.user", ".spec.game"]
