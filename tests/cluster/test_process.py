"""Background programs: they end with whoever started them, and none is mistaken for another."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cluster.process import Command, Process, start_time
from tests.cluster.waiting import DeadlineError, wait_for

SLEEP = Command("sleep", ("sleep", "600"))
STUBBORN = "trap '' TERM; echo ready; while true; do sleep 1; done"
PARENT = """
import os, pathlib, sys, time
from tests.cluster.process import Command, Process, die_with
child = Process.spawn(Command("sleep", ("sleep", "600")), pathlib.Path("/"),
                      pathlib.Path(sys.argv[1]), in_child=die_with(os.getpid()))
print(child.pid, child.started, flush=True)
time.sleep(600)
"""


def test_a_killed_parent_takes_its_children_along(tmp_path: Path) -> None:
    """A killed pytest leaves no control plane behind."""
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, str(tmp_path / "log")], stdout=subprocess.PIPE, text=True
    )
    assert parent.stdout is not None
    child = Process(*map(int, parent.stdout.readline().split()))
    assert child.alive
    parent.kill()
    parent.wait()
    wait_for(lambda: not child.alive, 10, "the child to end")


def test_another_program_with_the_same_pid_is_left_alone(tmp_path: Path) -> None:
    """Pids come back; start times do not."""
    running = Process.spawn(SLEEP, tmp_path, tmp_path / "log")
    mistaken = Process(running.pid, running.started - 1)
    assert not mistaken.alive
    mistaken.send(signal.SIGKILL)
    assert running.alive
    running.end(grace=0)


def test_what_ignores_sigterm_is_killed_after_its_grace(tmp_path: Path) -> None:
    """Ending does not hang."""
    log = tmp_path / "log"
    running = Process.spawn(Command("stubborn", ("sh", "-c", STUBBORN)), tmp_path, log)
    wait_for(lambda: "ready" in log.read_text(), 10, "the trap to stand")
    running.end(grace=0.2)
    assert not running.alive


def test_a_process_that_has_ended_is_not_alive_even_uncollected(tmp_path: Path) -> None:
    """A zombie counts as gone, and signalling it is no error."""
    child = subprocess.Popen(["true"])
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)  # it has ended, but stays a zombie
    zombie = Process(child.pid, start_time(child.pid) or 0)
    assert not zombie.alive
    zombie.send(signal.SIGTERM)
    child.wait()


def test_waiting_gives_up_and_says_for_what() -> None:
    """The error is a sentence."""
    with pytest.raises(DeadlineError, match=r"waited 0\.1 s for rain"):
        wait_for(lambda: False, 0.1, "rain")
