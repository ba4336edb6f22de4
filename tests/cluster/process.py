"""Programs in the background: each known by its pid and start time, so that none is mistaken.

A pid alone may belong to another program by the time it is signalled. The start time from
`/proc/<pid>/stat` tells them apart, and a pidfd holds on to the one that was looked at.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import select
import signal
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.cluster.waiting import DeadlineError, wait_for

PR_SET_PDEATHSIG = 1
START_TIME_FIELD = 19  # of proc(5)'s stat, counted from the state that follows the name
libc = ctypes.CDLL(None, use_errno=True)


@dataclass(frozen=True)
class Command:
    """A program to run and its name, which its log has too."""

    name: str
    arguments: tuple[str, ...]


@dataclass(frozen=True)
class Process:
    """One running program.

    Attributes:
        pid: its process id.
        started: when it started, in clock ticks since boot.
    """

    pid: int
    started: int

    @classmethod
    def spawn(
        cls,
        command: Command,
        directory: Path,
        log: Path,
        *,
        stdin: int = subprocess.DEVNULL,
        in_child: Callable[[], object] | None = None,
    ) -> Process:
        """Starts a program in a session of its own (no Ctrl-C reaches it), output into its log.

        Args:
            command: what to run.
            directory: its working directory.
            log: appended to.
            stdin: a file descriptor that it reads from.
            in_child: called in the new process before the program begins.
        """
        with log.open("ab") as output:
            child = subprocess.Popen(
                command.arguments,
                cwd=directory,
                stdin=stdin,
                stdout=output,
                stderr=output,
                start_new_session=True,
                preexec_fn=in_child,
            )
        # This module waits for the child itself, also after another process has taken over.
        child.returncode = 0
        return cls(child.pid, start_time(child.pid) or 0)

    @property
    def alive(self) -> bool:
        """Whether any of it still runs.

        What waits only to be collected does not. But a program of several threads that was killed
        looks like that in `/proc` while some of them still hold its sockets: the pidfd knows.
        """
        with contextlib.suppress(ChildProcessError):
            os.waitpid(self.pid, os.WNOHANG)
        if start_time(self.pid) != self.started:
            return False
        try:
            handle = os.pidfd_open(self.pid)
        except ProcessLookupError:
            return False
        try:
            ended, _, _ = select.select([handle], [], [], 0)
        finally:
            os.close(handle)
        return not ended

    def send(self, number: signal.Signals) -> None:
        """Sends a signal; does nothing if the process has ended."""
        with contextlib.suppress(ProcessLookupError):
            handle = os.pidfd_open(self.pid)
            try:
                if self.alive:
                    signal.pidfd_send_signal(handle, number)
            finally:
                os.close(handle)

    def end(self, grace: float) -> None:
        """Ends it: SIGTERM, and SIGKILL if it is still there after `grace` seconds."""
        if grace > 0:
            self.send(signal.SIGTERM)
            with contextlib.suppress(DeadlineError):
                wait_for(lambda: not self.alive, grace, f"process {self.pid} to end")
        self.send(signal.SIGKILL)
        wait_for(lambda: not self.alive, 10, f"process {self.pid} to end after SIGKILL")


def start_time(pid: int) -> int | None:
    """When a process started, in clock ticks since boot; `None` if there is none."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    # The name before the parenthesis may itself hold spaces and parentheses.
    return int(stat.rpartition(")")[2].split()[START_TIME_FIELD])


def die_with(parent: int) -> Callable[[], None]:
    """Makes a child that is killed when the thread that started it ends, however that happens."""

    def in_child() -> None:
        libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:  # it had ended before the line above
            os._exit(1)

    return in_child
