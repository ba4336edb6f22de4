"""The first process of the node's namespaces: starts its components and starts again what ends.

Runs as `unshare --mount --net --pid --fork … python3 supervisor.py` and reads from its standard
input what to run, once all is ready for it::

    {"directory": "/…", "logs": "/…", "mounts": {"target": "source"}, "environment": {},
     "components": [{"name": "etcd", "arguments": ["/…/etcd", "--…"]}]}

Being the first process of its PID namespace, it collects orphans, and when it is killed, the kernel
kills everything in there with it, and with the last of them go the mounts and interfaces: nothing
of the node can outlive it. Standard library only, and nothing of this package, so that it does not
depend on the checkout that started it.
"""

from __future__ import annotations

import ctypes
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

MS_BIND = 4096
RESTART_INTERVAL = 1.0
libc = ctypes.CDLL(None, use_errno=True)


def main() -> None:
    """Runs for ever, or ends if what it reads is no plan (whoever started it has died)."""
    try:
        plan: dict[str, Any] = json.load(sys.stdin)
    except ValueError:
        sys.exit("read no plan")
    for target, source in plan["mounts"].items():
        bind(source, target)
    commands = {each["name"]: each["arguments"] for each in plan["components"]}
    running: dict[int, str] = {}
    started: dict[str, float] = {}
    for name in commands:
        running[start(plan, name, commands[name])] = name
        started[name] = time.monotonic()
    while True:
        pid, status = os.waitpid(-1, 0)
        name = running.pop(pid, "")
        if not name:
            continue  # an orphan from some container
        code = os.waitstatus_to_exitcode(status)
        print(f"{name} ended with {code}, starting it again", flush=True)
        # What ends at once again and again is started once a second.
        time.sleep(max(0.0, started[name] + RESTART_INTERVAL - time.monotonic()))
        running[start(plan, name, commands[name])] = name
        started[name] = time.monotonic()


def start(plan: dict[str, Any], name: str, arguments: list[str]) -> int:
    """Starts a component with its output in its log and returns its pid."""
    with (Path(plan["logs"]) / f"{name}.log").open("ab") as log:
        child = subprocess.Popen(
            arguments,
            cwd=plan["directory"],
            env=plan["environment"],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
    child.returncode = 0  # main() waits for it
    return child.pid


def bind(source: str, target: str) -> None:
    """Shows `source` at `target`, to this mount namespace only."""
    if libc.mount(source.encode(), target.encode(), None, MS_BIND, None):
        error = ctypes.get_errno()
        raise OSError(error, f"mount {source} at {target}: {os.strerror(error)}")


if __name__ == "__main__":
    main()
