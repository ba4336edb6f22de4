"""The dashboard is one that Grafana reads as it is meant."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from itertools import combinations
from typing import Any

import pytest
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from grafana_foundation_sdk.models.dashboard import Dashboard

from tests.unit.seeing.queries import dashboard, panels

SAME_NAMESPACE = re.compile(r'namespace=~"\$namespace"')


def lost(given: Any, taken: Any, path: str = "") -> Iterator[str]:
    """What is not in `taken` as it is in `given`. Defaults that were added are no loss."""
    if isinstance(given, dict) and isinstance(taken, dict):
        for key, value in given.items():
            if key in taken:
                yield from lost(value, taken[key], f"{path}.{key}")
            else:
                yield f"{path}.{key}"
    elif isinstance(given, list) and isinstance(taken, list) and len(given) == len(taken):
        for number, (one, other) in enumerate(zip(given, taken, strict=True)):
            yield from lost(one, other, f"{path}[{number}]")
    elif given != taken:
        yield f"{path}: {given!r} became {taken!r}"


def read(given: dict[str, Any]) -> Any:
    """A dashboard as Grafana's own model of it has it."""
    register_default_plugins()
    return json.loads(JSONEncoder().encode(Dashboard.from_json(given)))


def test_grafanas_model_knows_every_field_of_it() -> None:
    assert list(lost(dashboard(), read(dashboard()))) == []


@pytest.mark.parametrize(
    "where", [[], ["panels", 1], ["panels", 1, "options"], ["panels", 1, "targets", 0]]
)
def test_a_field_that_grafana_does_not_know_is_found(where: list[Any]) -> None:
    given = dashboard()
    found = given
    for step in where:
        found = found[step]
    found["colour"] = "red"
    assert [path.rpartition(".")[2] for path in lost(given, read(given))] == ["colour"]


def test_panels_stand_side_by_side() -> None:
    everything = dashboard()["panels"]
    assert len({panel["id"] for panel in everything}) == len(everything)
    places = [panel["gridPos"] for panel in everything]
    for one, other in combinations(places, 2):
        apart = [
            one[at] + one[size] <= other[at] or other[at] + other[size] <= one[at]
            for at, size in (("x", "w"), ("y", "h"))
        ]
        assert any(apart), (one, other)
    assert all(place["x"] + place["w"] <= 24 for place in places)


@pytest.mark.parametrize("panel", panels(), ids=lambda panel: str(panel["title"]))
def test_releases_are_told_apart(panel: dict[str, Any]) -> None:
    """Every selector of every query is of the namespaces that are chosen."""
    for target in panel["targets"]:
        selectors = re.findall(r"(?:gamesession|process)_\w+(\{[^}]*\})?", target["expr"])
        assert selectors
        assert all(SAME_NAMESPACE.search(each) for each in selectors), target["expr"]


@pytest.mark.parametrize("panel", panels(), ids=lambda panel: str(panel["title"]))
def test_legends_name_labels_that_are_there(panel: dict[str, Any]) -> None:
    for target in panel["targets"]:
        named = set(re.findall(r"\{\{(\w+)\}\}", target["legendFormat"]))
        grouped = re.search(r"by \(([^)]*)\)", target["expr"])
        kept = {each.strip() for each in grouped[1].split(",")} if grouped else {"namespace", "pod"}
        assert named <= kept, target["expr"]


def test_the_data_source_is_the_readers_choice() -> None:
    given = dashboard()
    for panel in panels():
        for asked in (panel, *panel["targets"]):
            assert asked["datasource"] == {"type": "prometheus", "uid": "${datasource}"}
    assert given["templating"]["list"][0]["type"] == "datasource"
    assert "id" not in given, "that is the Grafana's which has it"
