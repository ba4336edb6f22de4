"""The namespaces of the cluster: made by one process, the holder, and gone with it."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.cluster.errors import ClusterError
from tests.cluster.process import Command, Process, start_time
from tests.cluster.waiting import wait_for

SUPERVISOR = Path(__file__).parent / "supervisor.py"
COMMAND = (
    *("unshare", "--mount", "--net", "--pid", "--propagation=private", "--mount-proc"),
    *("--fork", "--kill-child", sys.executable, "-I", str(SUPERVISOR)),
)


def start(plan: dict[str, Any], prepare: Callable[[Process, int], None]) -> None:
    """Makes namespaces and runs a plan in them, see `supervisor.py`.

    Args:
        plan: what to run.
        prepare: called between the two with the holder and the pid of the first process inside.
            If it raises, the namespaces are gone again.
    """
    read, write = os.pipe()
    log = Path(plan["logs"]) / "supervisor.log"
    try:
        command = Command("supervisor", COMMAND)
        holder = Process.spawn(command, Path(plan["directory"]), log, stdin=read)
    finally:
        os.close(read)
    # The supervisor ends if the pipe is closed before it has got a plan.
    with os.fdopen(write, "w") as pipe:
        prepare(holder, first_process(holder))
        json.dump(plan, pipe)


def first_process(holder: Process) -> int:
    """The pid of the first process inside, as the machine counts."""
    wait_for(lambda: children(holder.pid), 10, "the cluster's namespaces")
    return children(holder.pid)[0]


def component(holder: Process, name: str) -> Process:
    """The process of a running component.

    Raises:
        ClusterError: it does not run just now.
    """
    for pid in children(first_process(holder)):
        started = start_time(pid)
        if started is not None and program(pid) == name:
            return Process(pid, started)
    raise ClusterError(f"{name} does not run")


def children(pid: int) -> list[int]:
    """The pids of a process's children."""
    try:
        listed = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    except OSError:
        return []
    return [int(child) for child in listed.split()]


def program(pid: int) -> str:
    """The name that a process's program was called by."""
    try:
        called = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")[0]
    except OSError:
        return ""
    return Path(called.decode()).name
