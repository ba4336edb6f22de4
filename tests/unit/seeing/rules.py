"""The alert rules of the chart."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import yaml

ROOT: Final = Path(__file__).parents[3]
RULES: Final = ROOT / "charts" / "gamesession-operator" / "rules" / "gamesession.yaml"


def alerts() -> dict[str, dict[str, Any]]:
    """Every rule, by the name of its alert."""
    groups = yaml.safe_load(RULES.read_text())["groups"]
    return {rule["alert"]: rule for group in groups for rule in group["rules"]}
