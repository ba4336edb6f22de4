"""Every query of the chart: the dashboard's and the rules', and what each speaks of."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import promql_parser as promql
from prometheus_client import REGISTRY

from gamesession.commands.metrics import described
from tests.guides.guide import blocks, guides
from tests.unit.seeing.rules import ROOT, alerts

DASHBOARD: Final = ROOT / "charts" / "gamesession-operator" / "dashboards" / "gamesession.json"
TARGET: Final = frozenset({"namespace", "job", "pod"})
"""Labels that Prometheus gives what it reads, as the rules' header assumes."""
VARIABLES: Final = {"$namespace": ".*", "$game": ".*", "$__rate_interval": "5m"}


@dataclass(frozen=True)
class Query:
    """A query, and where it stands. Variables of Grafana's have been filled in."""

    where: str
    text: str

    def __str__(self) -> str:
        return self.where


def dashboard(path: Path = DASHBOARD) -> dict[str, Any]:
    """The dashboard."""
    found: dict[str, Any] = json.loads(path.read_text())
    return found


def panels() -> list[dict[str, Any]]:
    """The dashboard's panels, but for rows."""
    return [panel for panel in dashboard()["panels"] if panel["type"] != "row"]


def filled_in(text: str, **variables: str) -> str:
    """A query of Grafana's as Prometheus gets it."""
    given = {f"${name}": value for name, value in variables.items()}
    for name, value in (VARIABLES | given).items():
        text = text.replace(name, value)
    return text


def dashboard_queries(**variables: str) -> list[Query]:
    """What the dashboard's panels ask."""
    return [
        Query(f"panel {panel['title']}, {target['refId']}", filled_in(target["expr"], **variables))
        for panel in panels()
        for target in panel["targets"]
    ]


def rule_queries() -> list[Query]:
    """What the rules ask."""
    return [Query(f"alert {name}", rule["expr"]) for name, rule in alerts().items()]


def guide_queries() -> list[Query]:
    """What guides tell their readers to ask."""
    return [
        Query(block.place, block.text)
        for guide in guides()
        for block in blocks(guide)
        if block.language == "promql"
    ]


def nodes(query: str) -> list[Any]:
    """All parts of a query.

    Raises:
        ValueError: it is no PromQL.
    """
    found: list[Any] = []
    promql.walk(promql.parse(query), found.append)
    return found


def known() -> dict[str, frozenset[str]]:
    """Everything that operator and gateway show, name by name, and the labels of each."""
    ours = {name: labels for metric in described() for name, labels in metric.samples().items()}
    others = {
        sample.name: frozenset(sample.labels)
        for family in REGISTRY.collect()
        if family.name.startswith(("process_", "python_"))
        for sample in family.samples
    }
    return others | ours


def unknown(query: str) -> Iterator[str]:
    """What a query speaks of and nobody shows: metrics, labels that a metric does not have, labels
    to group by that no metric of the query has."""
    shown, every = known(), set(TARGET)
    found = nodes(query)
    for node in found:
        if isinstance(node, promql.VectorSelector):
            labels = shown.get(node.name or "", frozenset()) | TARGET
            every |= labels
            if node.name not in shown:
                yield f"metric {node.name}"
            asked = {matcher.name for matcher in node.matchers.matchers}
            yield from (f"label {name} of {node.name}" for name in sorted(asked - labels))
    for node in found:
        yield from (f"label {name}" for name in sorted(set(_grouping(node)) - every))


def _grouping(node: Any) -> list[str]:
    """The labels by which a part of a query groups or joins."""
    match node:
        case promql.AggregateExpr(modifier=modifier) if modifier is not None:
            return list(modifier.labels)
        case promql.BinaryExpr(modifier=modifier) if modifier is not None:
            joined = modifier.matching.labels if modifier.matching is not None else []
            return [*joined, *(modifier.group_labels or [])]
    return []
