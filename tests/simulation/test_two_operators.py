"""Two operators that both believe they lead, 300 sessions, faults at each request: whatever comes
between them, no pod is given to two sessions, none is left over, and each session has one."""

from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[2]
SEEDS: Final = 200
PROCESSES: Final = 2


def simulate(*arguments: str) -> tuple[int, str]:
    """Play seeds in a process of its own, whose clock and chance are the simulation's."""
    path = os.pathsep.join([str(ROOT / "operator"), str(ROOT)])
    done = subprocess.run(
        [sys.executable, "-m", "tests.simulation", *arguments],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


def test_each_session_has_one_pod_whatever_happens() -> None:
    parts = [f"{first}-{SEEDS - 1}/{PROCESSES}" for first in range(PROCESSES)]
    with ThreadPoolExecutor(PROCESSES) as processes:
        outcomes = list(processes.map(simulate, parts))
    assert not any(code for code, _ in outcomes), "\n".join(said for _, said in outcomes)


def test_the_same_seed_is_the_same_run() -> None:
    """Its figures are those of each write: one that came otherwise would show."""
    first, second = simulate("17"), simulate("17")
    assert first == second
    assert "runs: 1" in first[1]
