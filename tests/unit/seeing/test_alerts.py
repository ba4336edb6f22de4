"""Alerts fire when they should and not otherwise, says promtool; each has its instructions."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.cluster.errors import PrerequisiteError
from tests.cluster.prerequisites import obtain
from tests.guides.headings import anchors
from tests.unit.seeing.cases import CASES, Case
from tests.unit.seeing.rules import ROOT, RULES, alerts

ALERTS = alerts()


@pytest.fixture(scope="session", autouse=True)
def promtool() -> None:
    """Debian's Prometheus."""
    try:
        obtain("promtool")
    except PrerequisiteError as error:
        pytest.skip(str(error))


def run(*arguments: object) -> str:
    """promtool's output, if it is content.

    Raises:
        AssertionError: it is not.
    """
    result = subprocess.run(
        ["promtool", *map(str, arguments)], capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


def test_the_rules_are_valid() -> None:
    assert f"{len(ALERTS)} rules found" in run("check", "rules", RULES)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_it_fires_when_it_should_and_not_otherwise(case: Case, tmp_path: Path) -> None:
    severity = ALERTS[case.alert]["labels"]["severity"]
    name = {"__name__": "ALERTS", "alertname": case.alert, "alertstate": "firing"}
    labels = name | {"severity": severity} | (case.labels or {})
    sample = "{" + ", ".join(f'{key}="{value}"' for key, value in labels.items()) + "}"
    test = {
        "interval": "1m",
        "input_series": [{"series": key, "values": case.series[key]} for key in case.series],
        "promql_expr_test": [
            {
                "expr": f'ALERTS{{alertname="{case.alert}", alertstate="firing"}}',
                "eval_time": f"{case.at}m",
                "exp_samples": [] if case.labels is None else [{"labels": sample, "value": 1}],
            }
        ],
    }
    path = tmp_path / "test.yaml"
    path.write_text(yaml.safe_dump({"rule_files": [str(RULES)], "tests": [test]}))
    run("test", "rules", path)


@pytest.mark.parametrize("alert", ALERTS)
def test_each_alert_is_seen_to_fire_and_not_to(alert: str) -> None:
    fires = {case.labels is not None for case in CASES if case.alert == alert}
    assert fires == {True, False}


@pytest.mark.parametrize("alert", ALERTS)
def test_each_alert_says_how_bad_it_is_and_what_to_do(alert: str) -> None:
    rule = ALERTS[alert]
    assert rule["labels"]["severity"] in ("critical", "warning")
    said = rule["annotations"]
    assert said.keys() == {"summary", "description", "runbook"}
    page, _, anchor = said["runbook"].partition("#")
    assert anchor == alert.lower()
    assert anchor in anchors(ROOT / page), f"{page} has no section {alert}"


@pytest.mark.parametrize("alert", ALERTS)
def test_words_of_an_alert_use_labels_that_it_has(alert: str) -> None:
    rule = ALERTS[alert]
    used = set(re.findall(r"\$labels\.(\w+)", " ".join(rule["annotations"].values())))
    grouped = re.findall(r"\bby \(([^)]*)\)", rule["expr"])
    assert used <= set.intersection(*({each.strip() for each in by.split(",")} for by in grouped))


def test_every_section_of_the_instructions_is_about_an_alert() -> None:
    text = (ROOT / "docs" / "alerts.md").read_text()
    assert set(re.findall(r"^### (GameSession\w+)$", text, re.MULTILINE)) == ALERTS.keys()
