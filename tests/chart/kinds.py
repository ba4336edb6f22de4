"""The CRDs of other projects whose kinds the chart uses, from the Go modules of those projects."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Final

from tests.cluster.errors import CommandError
from tests.cluster.prerequisites import require

MODULE: Final = Path(__file__).parent / "kinds"
"""Pins the projects' versions."""
DEFINITIONS: Final = {
    "github.com/prometheus-operator/prometheus-operator": (
        "example/prometheus-operator-crd/monitoring.coreos.com_servicemonitors.yaml",
        "example/prometheus-operator-crd/monitoring.coreos.com_prometheusrules.yaml",
    ),
    "sigs.k8s.io/gateway-api": ("config/crd/standard/gateway.networking.k8s.io_httproutes.yaml",),
}
"""By module, the files within it."""


def definitions() -> list[Path]:
    """Files with the CRDs ServiceMonitor, PrometheusRule and HTTPRoute, fetched if need be.

    Raises:
        PrerequisiteError: there is no Go toolchain.
        CommandError: the modules cannot be had; with Go's words.
    """
    require("go")
    command = ["go", "mod", "download", "-json", *DEFINITIONS]
    environment = {**os.environ, "GOWORK": "off"}
    result = subprocess.run(
        command, cwd=MODULE, env=environment, capture_output=True, text=True, check=False
    )
    if result.returncode:
        raise CommandError(command, result.returncode, result.stdout + result.stderr)
    found = []
    rest = result.stdout.lstrip()
    while rest:  # one JSON document after the other
        module, end = json.JSONDecoder().raw_decode(rest)
        found += [Path(module["Dir"]) / name for name in DEFINITIONS[module["Path"]]]
        rest = rest[end:].lstrip()
    return found
