"""The control groups that pods run in: one directory of our own in every hierarchy."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

NAME = "gamesession-cluster"
ROOT = Path("/sys/fs/cgroup")


def hierarchies() -> list[Path]:
    """Where hierarchies are mounted: one for cgroup v2, one for each controller of v1."""
    if (ROOT / "cgroup.controllers").exists():
        return [ROOT]
    return [path for path in ROOT.iterdir() if path.is_dir() and not path.is_symlink()]


def create() -> None:
    """Makes our directory everywhere: kubelet wants it to be there before it starts."""
    for hierarchy in hierarchies():
        enable_controllers(hierarchy)
        directory = hierarchy / NAME
        directory.mkdir(exist_ok=True)
        for setting in ("cpuset.cpus", "cpuset.mems"):  # on v1 these begin empty: no CPU at all
            if (directory / setting).exists() and not (directory / setting).read_text().strip():
                with contextlib.suppress(OSError):
                    (directory / setting).write_text((hierarchy / setting).read_text())
        enable_controllers(directory)


def enable_controllers(directory: Path) -> None:
    """Hands all controllers of a v2 group on to its children; does nothing on v1."""
    offered = directory / "cgroup.controllers"
    if offered.exists():
        for controller in offered.read_text().split():
            with contextlib.suppress(OSError):  # some kernels refuse single ones
                (directory / "cgroup.subtree_control").write_text(f"+{controller}")


def remove() -> None:
    """Removes our directories, children first; their processes must have ended."""
    for top in existing():
        for directory, _, _ in os.walk(top, topdown=False):
            with contextlib.suppress(FileNotFoundError):
                Path(directory).rmdir()


def existing() -> list[Path]:
    """Our directories that there are."""
    return [path for hierarchy in hierarchies() if (path := hierarchy / NAME).is_dir()]
