"""A gateway as a process of its own."""

from __future__ import annotations

from pathlib import Path

from tests.cluster.controlplane import free_port
from tests.handlers.gateway.stage import AUDIENCE, ISSUER, SECRET
from tests.integration.service_process import ServiceProcess


class GatewayProcess(ServiceProcess):
    """`gamesession gateway` for one namespace, each life at a port of its own.

    Attributes:
        url: where users come.
    """

    def __init__(self, kubeconfig: Path, namespace: str, log: Path, **settings: str) -> None:
        super().__init__(
            "gateway",
            kubeconfig,
            namespace,
            log,
            **{
                "GAMESESSION_HOST": "127.0.0.1",
                "GAMESESSION_JWT_SECRET": SECRET,
                "GAMESESSION_JWT_ISSUER": ISSUER,
                "GAMESESSION_JWT_AUDIENCE": AUDIENCE,
                **settings,
            },
        )
        self.url = ""

    def start(self) -> None:
        """Begin a life; it is ready a little later."""
        port = free_port()
        self._settings["GAMESESSION_PORT"] = str(port)
        self.url = f"http://127.0.0.1:{port}"
        super().start()
