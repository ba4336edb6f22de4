"""Stopping the cluster of the machine, and removing what it has left, whole or in part."""

from __future__ import annotations

import shutil
from pathlib import Path

from tests.cluster import cgroup, mountpoints, network, prerequisites
from tests.cluster.errors import ClusterError
from tests.cluster.leftovers import DATA, leftovers, processes
from tests.cluster.progress import step, tell
from tests.cluster.record import Record, alone, forget
from tests.cluster.waiting import wait_for

END_SECONDS = 30.0


def down() -> None:
    """Stops the cluster of the machine, whoever started it, and removes all traces.

    Raises:
        PrerequisiteError: not root.
        ClusterError: something of it could not be removed; the message names it.
    """
    prerequisites.require_root("Stopping the cluster")
    with alone():
        record = Record.load()
        if record is None and not leftovers():
            tell("there is no cluster on this machine")
        else:
            with step("stopping the cluster", "no process, mount, interface or rule is left"):
                clear(record)
        forget()


def clear(record: Record | None) -> None:
    """Ends what runs of the cluster, whole or in part, and removes what it left.

    Raises:
        ClusterError: something could not be removed; the message names it.
    """
    if record is not None:
        record.process.end(grace=0)
    for process in processes():
        process.end(grace=0)
    wait_for(lambda: not processes(), END_SECONDS, "the cluster's processes to end")
    network.disconnect()
    cgroup.remove()
    shutil.rmtree(DATA, ignore_errors=True)
    mountpoints.remove()
    if record is not None:
        (Path(record.checkout) / ".cluster" / "kubeconfig").unlink(missing_ok=True)
    if remaining := leftovers():
        raise ClusterError("still there after stopping:\n" + "\n".join(remaining))
