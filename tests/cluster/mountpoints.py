"""Directories of the machine that the node mounts its own over; made where they are missing."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from pathlib import Path

from tests.cluster.record import DIRECTORY

MADE = DIRECTORY / "made"


def make(targets: Iterable[str]) -> None:
    """Makes those that are missing, and writes down which before it does: a crash loses none."""
    for target in map(Path, targets):
        missing = [path for path in (target, *target.parents) if not path.exists()]
        with MADE.open("a") as made:
            made.writelines(f"{path}\n" for path in reversed(missing))
        target.mkdir(parents=True, exist_ok=True)


def remove() -> None:
    """Removes those that `make` made, but none that hold something by now."""
    try:
        made = MADE.read_text().splitlines()
    except FileNotFoundError:
        return
    for directory in reversed(made):
        with contextlib.suppress(OSError):
            Path(directory).rmdir()
    MADE.unlink()
