"""What the cluster of the machine has on it: all of this must be gone once it is down."""

from __future__ import annotations

import subprocess
from pathlib import Path

from tests.cluster import cache, cgroup, network
from tests.cluster.prerequisites import find
from tests.cluster.process import Process, start_time

DATA = Path("/var/lib/gamesession-cluster")
# In every mount of the node: of directories below DATA, and of containers' control groups. Without
# what stands before it, since mountinfo(5) tells paths from the root of their file system.
MARK = f"{DATA.name}/"


def leftovers() -> list[str]:
    """One line for each process, mount, interface, control group, rule or directory of ours."""
    return [
        *(f"process {each.pid}: {command_line(each.pid)}" for each in processes()),
        *(f"mount at {target}" for target in mounts()),
        *(f"interface {name}" for name in network.interfaces()),
        *(f"control group {path}" for path in cgroup.existing()),
        *(f"rule {rule}" for rule in rules()),
        *([f"directory {DATA}"] if DATA.exists() else []),
    ]


def processes() -> list[Process]:
    """All processes of the node: those that see a mount of our directory, which no others do."""
    found = []
    for directory in Path("/proc").iterdir():
        if not directory.name.isdecimal():
            continue
        pid = int(directory.name)
        started = start_time(pid)
        try:
            seen = (directory / "mountinfo").read_text()
        except OSError:  # it has ended
            continue
        if started is not None and MARK in seen:
            found.append(Process(pid, started))
    return found


def mounts() -> list[str]:
    """Where something of ours is mounted on the machine itself."""
    rows = Path("/proc/self/mountinfo").read_text().splitlines()
    ours = (MARK, str(cache.directory()))
    return [row.split()[4] for row in rows if any(each in row for each in ours)]


def rules() -> list[str]:
    """Packet filter rules of the machine that name the cluster's addresses or interface."""
    found = []
    for program in ("iptables-save", "ip6tables-save", "iptables-legacy-save"):
        path = find(program)
        if path is None:
            continue
        saved = subprocess.run([path], capture_output=True, text=True, check=False).stdout
        found += [line for line in saved.splitlines() if is_ours(line)]
    return found


def is_ours(rule: str) -> bool:
    """Whether a rule, as iptables-save prints it, names the cluster's addresses or interface."""
    prefix = network.CLUSTER_CIDR.split(".0.0/")[0] + "."
    return rule.startswith("-A") and (prefix in rule or network.INTERFACE in rule)


def command_line(pid: int) -> str:
    """A process's command line, for people."""
    try:
        text = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
    except OSError:
        return "(ended)"
    return text.strip()[:100] or "(kernel)"
