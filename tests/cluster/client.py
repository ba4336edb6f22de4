"""Runs kubectl or Helm against one cluster."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from tests.cluster.errors import CommandError


def run(program: Path, kubeconfig: Path, *arguments: str, stdin: str | None = None) -> str:
    """Runs a client of the API server and returns what it printed.

    Args:
        program: kubectl or Helm.
        kubeconfig: whose current context names the cluster and the user.
        arguments: the program's.
        stdin: what it reads, for `-f -`.

    Raises:
        CommandError: it ended with an error.
    """
    command = [str(program), *arguments]
    # A proxy for the outside world knows nothing of a cluster in here.
    environment = {**os.environ, "KUBECONFIG": str(kubeconfig), "NO_PROXY": "*"}
    result = subprocess.run(
        command, env=environment, input=stdin, capture_output=True, text=True, check=False
    )
    if result.returncode:
        raise CommandError(command, result.returncode, result.stdout + result.stderr)
    return result.stdout
