"""Build contexts: the files of a folder that an image is built from."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.cluster import cache


@dataclass(frozen=True)
class Context:
    """The files that are built from: those that git would track, below the paths that matter.

    Attributes:
        directory: what COPY's paths are relative to.
        dockerfile: relative to it.
        include: files and folders that matter, relative to it; a change elsewhere builds nothing.
    """

    directory: Path
    dockerfile: str = "Dockerfile"
    include: Sequence[str] = (".",)

    def files(self) -> list[str]:
        """The files, relative to the directory and sorted; outside of git all there are."""
        paths = [*self.include, self.dockerfile]
        command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--"]
        try:
            listed = subprocess.run(
                [*command, *paths], cwd=self.directory, capture_output=True, text=True, check=True
            ).stdout.split("\0")
        except (FileNotFoundError, subprocess.CalledProcessError):
            listed = []
        if not any(listed):
            found = (self.directory / path for path in paths)
            every = (each for path in found for each in [path, *path.rglob("*")])
            listed = [str(each.relative_to(self.directory)) for each in every]
        return sorted({name for name in listed if name and (self.directory / name).is_file()})

    def key(self, *facts: str) -> str:
        """Names what the files hold, whether they are executable, and other facts."""
        files = []
        for name in self.files():
            path = self.directory / name
            files.append((f"{name} {path.stat().st_mode & 0o111 != 0}", path.read_bytes()))
        return cache.key(files, self.dockerfile, *facts)

    def copy(self, target: Path) -> None:
        """Copies the files into an empty folder, so that a build sees them and no others."""
        for name in self.files():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(self.directory / name, target / name)
