"""Reasons and codes that people meet are in the guides."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from gamesession.api.errors import GameSessionError
from gamesession.plan.deadline import Reason
from tests.guides.guide import ROOT

PLAN = ROOT / "operator/gamesession/plan"
CHART = ROOT / "charts/gamesession-operator"
CONTROLLER = ROOT / "operator/gamesession/controller"
KUBERNETES_OWN = frozenset(
    {"ContainerCreating", "PodInitializing", "PodScheduled", "DisruptionTarget", "NodeAffinity"}
    | {"NodeLost", "NodeShutdown", "ContainerStatusUnknown", "GameSession"}
)
"""What a pod's status says, and no condition of ours."""


def reasons(path: Path) -> Iterator[str]:
    """Words of a module that look as reasons do."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Constant) and is_word(str(node.value)):
            yield str(node.value)


def is_word(text: str) -> bool:
    """Whether it looks as reasons do: at least two words in one."""
    return text.isalpha() and sum(letter.isupper() for letter in text) > 1 and text[0].isupper()


MODULES = (
    *(PLAN / f"{name}.py" for name in ("acceptance", "greeting", "phase", "pick", "start")),
    *(PLAN / f"{name}.py" for name in ("problem", "starts")),
    CONTROLLER / "sessions.py",
)
REASONS = sorted({reason for path in MODULES for reason in reasons(path)} - KUBERNETES_OWN)


def test_reasons_are_found_where_they_are_said() -> None:
    some = {"QuotaExceeded", "StartTimeout", "GameNotAccepted", "PodReady", "ClaimRefused"}
    more = {"PodInvalid", "StartsFailing", "RouteConflict", "GameSuspended", "AwaitingCapacity"}

    assert some | more <= set(REASONS)


@pytest.mark.parametrize(
    "reason", [*REASONS, "Duplicate", "Closed", *(each.value for each in Reason)]
)
def test_troubleshooting_has_every_reason(reason: str) -> None:
    table = (ROOT / "docs/troubleshooting.md").read_text().partition("\n## Reasons\n")[2]

    assert f"`{reason}`" in table


@pytest.mark.parametrize("guide", ["docs/troubleshooting.md", "docs/zh-CN/troubleshooting.md"])
def test_troubleshooting_has_every_alert(guide: str) -> None:
    rules = yaml.safe_load((CHART / "rules/gamesession.yaml").read_text())
    alerts = [rule["alert"] for group in rules["groups"] for rule in group["rules"]]

    rows = re.findall(r"^\| \[(GameSession\w+)\]", (ROOT / guide).read_text(), re.MULTILINE)
    assert rows == alerts


def codes(error: type[GameSessionError]) -> Iterator[str]:
    """The codes of all errors below one."""
    for each in error.__subclasses__():
        if each.__module__ == GameSessionError.__module__:
            yield each.code
            yield from codes(each)


@pytest.mark.parametrize("code", sorted(set(codes(GameSessionError))))
def test_the_http_api_has_every_code(code: str) -> None:
    table = (ROOT / "docs/http-api.md").read_text().partition("\n## Errors\n")[2]

    assert f"`{code}`" in table
