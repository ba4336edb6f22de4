"""The control path alone: an API server that waits for its disk, kwok's node, whose pods are Ready
in milliseconds, and the operator as a process of its own."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from tests.bench.facts import ROOT
from tests.bench.operator_process import OperatorProcess
from tests.cluster.controlplane import NODE, ControlPlane
from tests.cluster.waiting import wait_for

PLAY = "play"
"""The namespace that the operator serves."""
FLOOR = "floor"
"""One that nobody serves, for a bare client."""
READY_SECONDS = 60.0


class ControlPath:
    """A running control path.

    Attributes:
        plane: the API server and Kubernetes' own controllers.
        operator: it serves `PLAY`.
        directory: where it runs.
    """

    def __init__(self, plane: ControlPlane, operator: OperatorProcess, directory: Path) -> None:
        self.plane = plane
        self.operator = operator
        self.directory = directory
        self._node_since = self._node_ready_since()

    def check(self) -> None:
        """What was measured holds: the operator has no bug, and the node was Ready all the time.
        Else the controller manager would have marked every pod, and that storm fallen into it.

        Raises:
            OSError: it does not.
        """
        self.operator.check()
        if self._node_ready_since() != self._node_since:
            raise OSError("the node was not Ready all the time: the machine is too busy")

    def _node_ready_since(self) -> str:
        node = self.plane.api.get(f"/api/v1/nodes/{NODE}")
        ready = next(each for each in node["status"]["conditions"] if each["type"] == "Ready")
        return f"{ready['status']} {ready['lastTransitionTime']}"


@contextlib.contextmanager
def control_path(module: str = "gamesession") -> Iterator[ControlPath]:
    """One that runs until it is left. Enter and leave it in the same thread.

    Args:
        module: the operator's, see `OperatorProcess`.

    Raises:
        ClusterError: something did not get ready.
        OSError: what was measured does not hold.
    """
    with (
        tempfile.TemporaryDirectory(prefix="gamesession-bench-") as directory,
        ControlPlane(crds=ROOT / "crds", durable=True) as plane,
    ):
        for namespace in (PLAY, FLOOR):
            plane.api.post("/api/v1/namespaces", {"metadata": {"name": namespace}})
            # Without its service account no pod is admitted.
            account = f"/api/v1/namespaces/{namespace}/serviceaccounts/default"
            wait_for(partial(plane.api.exists, account), READY_SECONDS, account)
        operator = OperatorProcess(plane.kubeconfig, PLAY, Path(directory), module)
        operator.start()
        try:
            path = ControlPath(plane, operator, Path(directory))
            yield path
            path.check()
        finally:
            operator.kill()
