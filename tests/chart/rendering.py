"""What Helm makes of the chart, without a cluster."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import yaml

from tests.cluster.binaries import HELM
from tests.cluster.errors import CommandError

ROOT: Final = Path(__file__).parent.parent.parent
CHART: Final = ROOT / "charts" / "gamesession-operator"
RELEASE: Final = "gamesession"
SYSTEM: Final = "gamesession-system"

Object = dict[str, Any]


def helm(*arguments: str, values: Mapping[str, Any] | None = None) -> str:
    """Runs Helm without a cluster, and returns what it printed.

    Args:
        values: given to it as a file of values.

    Raises:
        CommandError: it ended with an error.
    """
    command = [str(HELM.program), *arguments]
    given = json.dumps(values or {})
    result = subprocess.run(
        [*command, "--values=-"], input=given, capture_output=True, text=True, check=False
    )
    if result.returncode:
        raise CommandError(command, result.returncode, result.stdout + result.stderr)
    return result.stdout


def rendered(
    values: Mapping[str, Any] | None = None,
    *flags: str,
    release: str = RELEASE,
    namespace: str = SYSTEM,
) -> list[Object]:
    """The objects that a release consists of, hooks and tests among them unless a flag says
    otherwise."""
    text = helm("template", release, str(CHART), f"--namespace={namespace}", *flags, values=values)
    return [found for found in yaml.safe_load_all(text) if found]


def find(objects: list[Object], kind: str, name: str) -> Object:
    """The one object of that kind and name.

    Raises:
        AssertionError: there is none, or several.
    """
    found = [each for each in objects if (each["kind"], each["metadata"]["name"]) == (kind, name)]
    assert len(found) == 1, f"{len(found)} objects {kind} {name}"
    return found[0]
