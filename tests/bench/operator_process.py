"""The operator as a program, and what it uses of the machine."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import aiohttp

from tests.bench import usage
from tests.bench.facts import ROOT
from tests.cluster.controlplane import free_port
from tests.cluster.process import Command, Process, die_with

FLOOR = "import kopf, kubernetes.aio.client; print(open('/proc/self/status').read())"


class OperatorProcess:
    """`gamesession operator` for one namespace, one life after another.

    Args:
        kubeconfig: how it finds the API server.
        namespace: what it serves.
        directory: for its log.
        module: what is run; one that adds something of its own to `gamesession`.
    """

    def __init__(
        self, kubeconfig: Path, namespace: str, directory: Path, module: str = "gamesession"
    ) -> None:
        self._kubeconfig = kubeconfig
        self._namespace = namespace
        self._directory = directory
        self._module = module
        self._log = directory / "operator.log"
        self._port = 0
        self._process: Process | None = None

    def start(self) -> None:
        """Begin a life."""
        self._port = free_port()
        # `env` and not our own environment: what is set here is not for the bench.
        command = (
            *("/usr/bin/env", f"PYTHONPATH={ROOT / 'operator'}:{ROOT}"),
            "GAMESESSION_ADMIN_HOST=127.0.0.1",
            "GAMESESSION_IDENTITY=bench",  # each life goes on with the Lease of the one before
            f"GAMESESSION_ADMIN_PORT={self._port}",
            *(sys.executable, "-m", self._module, "operator"),
            *("--namespace", self._namespace, "--kubeconfig", str(self._kubeconfig)),
        )
        self._process = Process.spawn(
            Command("operator", command), self._directory, self._log, in_child=die_with(os.getpid())
        )

    def kill(self) -> None:
        """End its life as a crash would."""
        if self._process is not None:
            self._process.end(grace=0)
            self._process = None

    def check(self) -> None:
        """Nothing has gone wrong.

        Raises:
            OSError: it ended, or its log tells of an error of our own making.
        """
        if self._process is not None and not self._process.alive:
            raise OSError(f"the operator ended:\n{self._log.read_text()[-4000:]}")
        wrong = [line for line in self._log.read_text().splitlines() if "Traceback" in line]
        if wrong:
            raise OSError(f"the operator has a bug: {wrong[0][:2000]}")

    def memory(self) -> float:
        """Its resident set, MiB."""
        return usage.memory(self._pid)

    def cpu(self) -> float:
        """Seconds of a core that it has used."""
        return usage.cpu(self._pid)

    async def writes(self) -> int:
        """How many writes to the API server it has asked for, dry runs among them, but for those
        that keep its Lease."""
        lines = (await self.metrics()).splitlines()
        name = "gamesession_api_writes_total{"
        counted = [line for line in lines if line.startswith(name) and '"leases"' not in line]
        return sum(int(float(line.rsplit(" ", 1)[1])) for line in counted)

    async def metrics(self) -> str:
        """Its metrics, as Prometheus reads them."""
        url = f"http://127.0.0.1:{self._port}/metrics"
        async with aiohttp.ClientSession() as http, http.get(url) as answer:
            return await answer.text()

    @property
    def _pid(self) -> int:
        if self._process is None:
            raise OSError("the operator does not run")
        return self._process.pid


def floor_memory() -> float:
    """The resident set of a Python that has imported the two libraries, MiB."""
    command = [sys.executable, "-c", FLOOR]
    return usage.resident(
        subprocess.run(command, capture_output=True, text=True, check=True).stdout
    )
