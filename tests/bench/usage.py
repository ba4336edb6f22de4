"""What a process uses of the machine, as proc(5) tells it."""

from __future__ import annotations

import os
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")
USER_TIME, SYSTEM_TIME = 11, 12  # of `stat`, counted from the state that follows the name


def cpu(pid: int) -> float:
    """Seconds of a core that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[USER_TIME]) + int(fields[SYSTEM_TIME])) / TICKS


def memory(pid: int) -> float:
    """Resident set of a process, MiB."""
    return resident(Path(f"/proc/{pid}/status").read_text())


def resident(status: str) -> float:
    """VmRSS of `status`, MiB."""
    line = next(line for line in status.splitlines() if line.startswith("VmRSS:"))
    return int(line.split()[1]) / 1024
