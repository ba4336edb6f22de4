"""The operator as a process of its own."""

from __future__ import annotations

from pathlib import Path

from tests.integration.service_process import ServiceProcess


class OperatorProcess(ServiceProcess):
    """`gamesession operator` for one namespace, one life after another."""

    def __init__(self, kubeconfig: Path, namespace: str, log: Path) -> None:
        super().__init__("operator", kubeconfig, namespace, log)
