"""The operator as a process of its own."""

from __future__ import annotations

from pathlib import Path

from tests.integration.service_process import ServiceProcess


class OperatorProcess(ServiceProcess):
    """`gamesession operator` for one namespace, one life after another.

    Args:
        identity: what it holds its Lease by. It is the same in all its lives, as in a pod: none
            waits for the Lease of the one before.
    """

    def __init__(
        self, kubeconfig: Path, namespace: str, log: Path, *, identity: str = "operator"
    ) -> None:
        settings = {
            # Apart from what is served, so that it is in no test's way.
            "GAMESESSION_LEASE_NAMESPACE": "default",
            "GAMESESSION_LEASE_NAME": namespace,
            "GAMESESSION_IDENTITY": identity,
        }
        super().__init__("operator", kubeconfig, namespace, log, **settings)
