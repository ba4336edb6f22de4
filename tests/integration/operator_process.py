"""The operator as a process of its own, as a cluster would run it: started, killed, stopped."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import aiohttp

from tests.cluster.controlplane import free_port
from tests.cluster.process import die_with
from tests.eventually import eventually

ROOT = Path(__file__).parent.parent.parent


class OperatorProcess:
    """`gamesession operator` for one namespace.

    Args:
        kubeconfig: how it finds the API server.
        namespace: what it serves.
        log: file that its lines are appended to, over all its lives.
    """

    def __init__(self, kubeconfig: Path, namespace: str, log: Path) -> None:
        self._kubeconfig = kubeconfig
        self._namespace = namespace
        self._log = log
        self._port = 0
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def alive(self) -> bool:
        """Whether it runs."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Begin a life; it is ready a little later."""
        assert not self.alive, "the operator runs already"
        self._port = free_port()
        environment = os.environ | {
            "PYTHONPATH": str(ROOT / "operator"),
            "GAMESESSION_NAMESPACE": self._namespace,
            "GAMESESSION_KUBECONFIG": str(self._kubeconfig),
            "GAMESESSION_ADMIN_HOST": "127.0.0.1",
            "GAMESESSION_ADMIN_PORT": str(self._port),
        }
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "gamesession", "operator"],
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                preexec_fn=die_with(os.getpid()),
            )

    async def ready(self) -> None:
        """Wait until it says that it is ready.

        Raises:
            AssertionError: it ended instead.
        """
        await eventually(self.is_ready, every=0.05)

    async def is_ready(self) -> bool:
        """Whether `/readyz` answers 200.

        Raises:
            RuntimeError: the process has ended.
        """
        if not self.alive:
            raise RuntimeError(f"the operator ended:\n{self._log.read_text()[-4000:]}")
        try:
            async with (
                aiohttp.ClientSession() as client,
                client.get(f"http://127.0.0.1:{self._port}/readyz") as answer,
            ):
                return answer.status == 200
        except aiohttp.ClientError:
            return False

    def kill(self) -> None:
        """End it by SIGKILL, as a crash would; returns when it is gone."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def stop(self) -> int:
        """Ask it to end (SIGTERM); returns its exit code."""
        assert self._process is not None
        self._process.terminate()
        return self._process.wait(30)

    def lines(self, event: str | None = None) -> list[dict[str, Any]]:
        """Its log lines, or those about one event."""
        found = []
        for text in self._log.read_text().splitlines():
            if text.startswith("{"):
                line = json.loads(text)
                if event is None or line.get("event") == event:
                    found.append(line)
        return found

    def bugs(self) -> list[str]:
        """What its log says that it never should: errors of our own making."""
        return [
            text
            for text in self._log.read_text().splitlines()
            if "bug: " in text
            or "Traceback" in text
            or ("never retrieved" in text and "site-packages/kopf" not in text)
        ]
