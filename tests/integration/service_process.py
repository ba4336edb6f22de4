"""A service of ours as a process of its own, as a cluster would run it: started, killed, stopped.

Its modules take two seconds to import, and tests start dozens of them: so each is forked from a
server that has imported them and done nothing else.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import sys
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any
from unittest.mock import patch

import aiohttp

from tests.cluster.controlplane import free_port
from tests.cluster.process import die_with
from tests.eventually import eventually

ROOT = Path(__file__).parent.parent.parent
FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload(
    [
        "gamesession.controller.operator",
        "gamesession.gateway.server",
        "gamesession.cli",
        __name__,
    ]
)


class ServiceProcess:
    """`gamesession operator` or `gamesession gateway` for one namespace.

    Args:
        service: which of them.
        kubeconfig: how it finds the API server.
        namespace: what it serves.
        log: file that its lines are appended to, over all its lives.
        settings: other settings, `GAMESESSION_…`.
    """

    def __init__(
        self, service: str, kubeconfig: Path, namespace: str, log: Path, **settings: str
    ) -> None:
        self._service = service
        self._kubeconfig = kubeconfig
        self._namespace = namespace
        self._log = log
        log.touch()
        self._settings = settings
        self._port = 0
        self._process: ForkServerProcess | None = None

    @property
    def alive(self) -> bool:
        """Whether it runs."""
        return self._process is not None and self._process.is_alive()

    @property
    def pid(self) -> int | None:
        """The process of its present life, or of the last one."""
        return self._process.pid if self._process is not None else None

    @property
    def admin(self) -> str:
        """URL of its admin port, in its present life."""
        return f"http://127.0.0.1:{self._port}"

    def start(self) -> None:
        """Begin a life; it is ready a little later."""
        assert not self.alive, f"the {self._service} runs already"
        self._port = free_port()
        environment = {
            "GAMESESSION_NAMESPACE": self._namespace,
            "GAMESESSION_KUBECONFIG": str(self._kubeconfig),
            "GAMESESSION_ADMIN_HOST": "127.0.0.1",
            "GAMESESSION_ADMIN_PORT": str(self._port),
            **self._settings,
        }
        self._process = FORKS.Process(
            target=_serve, args=(self._service, environment, self._log), daemon=True
        )
        # The server that forks is a new interpreter: it imports this checkout, like the tests.
        with patch.dict(os.environ, PYTHONPATH=f"{ROOT / 'operator'}:{ROOT}"):
            self._process.start()

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
            raise RuntimeError(f"the {self._service} ended:\n{self.tail(4000)}")
        try:
            async with (
                aiohttp.ClientSession() as client,
                client.get(f"{self.admin}/readyz") as answer,
            ):
                return answer.status == 200
        except aiohttp.ClientError:
            return False

    def pause(self) -> None:
        """SIGSTOP: nothing of it runs, and it does not know."""
        self._signal(signal.SIGSTOP)

    def wake(self) -> None:
        """SIGCONT: it goes on where it was."""
        self._signal(signal.SIGCONT)

    def kill(self) -> None:
        """End it by SIGKILL, as a crash would; returns when it is gone."""
        if self._process is not None:
            self._process.kill()
            self._process.join()

    def ask_to_end(self) -> None:
        """Send SIGTERM."""
        assert self._process is not None
        self._process.terminate()

    def stop(self, patience: float = 30) -> int | None:
        """Ask it to end (SIGTERM); returns its exit code, `None` if it does not end."""
        self.ask_to_end()
        assert self._process is not None
        self._process.join(patience)
        return self._process.exitcode

    def _signal(self, number: int) -> None:
        assert self.pid is not None
        os.kill(self.pid, number)

    def lines(self, event: str | None = None) -> list[dict[str, Any]]:
        """Its log lines, or those about one event."""
        found = []
        for text in self._log.read_text().splitlines():
            if text.startswith("{"):
                line = json.loads(text)
                if event is None or line.get("event") == event:
                    found.append(line)
        return found

    def tail(self, characters: int) -> str:
        """The end of its log, and whether it runs."""
        state = "runs" if self.alive else "has ended"
        return f"{self._log.read_text()[-characters:]}\n({self._service} {state})"

    def bugs(self) -> list[str]:
        """What its log says that it never should: errors of our own making."""
        return [
            text
            for text in self._log.read_text().splitlines()
            if "bug: " in text
            or "Traceback" in text
            or "request failed" in text
            or ("never retrieved" in text and "site-packages/kopf" not in text)
        ]


def _serve(service: str, environment: dict[str, str], log: Path) -> None:
    """The command, in the new process."""
    die_with(os.getppid())()
    output = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    for descriptor in (1, 2):
        os.dup2(output, descriptor)
    os.environ.update(environment)
    sys.argv = ["gamesession", service]
    from gamesession.cli import main

    main()
