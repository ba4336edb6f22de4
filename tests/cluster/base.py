"""The image that others are built on: Debian with Python, made from packages, not pulled."""

from __future__ import annotations

import os
import subprocess
import time

from tests.cluster import cache, prerequisites
from tests.cluster.buildah import build, buildah
from tests.cluster.errors import CommandError
from tests.cluster.progress import step

SUITE = "trixie"
PACKAGES = ("apt", "python3", "python3-venv", "ca-certificates")
DOCKERFILE = "FROM scratch\nADD base.tar /\n"
NEEDED = (
    *("mmdebstrap", "buildah", "unshare"),
    "/usr/share/keyrings/debian-archive-keyring.gpg",
)


def ensure() -> str:
    """The name of the base image in buildah's storage, made anew each month for Debian's updates.

    Only for who holds the lock on images.

    Raises:
        PrerequisiteError: a program is missing and cannot be installed here.
        CommandError: making it failed.
    """
    prerequisites.obtain(*NEEDED)
    key = cache.key([], SUITE, *PACKAGES, time.strftime("%Y-%m", time.gmtime()))
    name = f"localhost/gamesession-base:{key}"
    if name not in buildah("images", "--format={{.Name}}:{{.Tag}}").splitlines():
        with step(f"making the base image, Debian {SUITE} (about half a minute)", "made"):
            make(name)
    return name


def make(name: str) -> None:
    """Makes the base image."""
    with cache.workspace("images", "base") as directory:
        command = [
            *("mmdebstrap", "--variant=essential", f"--include={','.join(PACKAGES)}"),
            *(SUITE, f"{directory}/base.tar"),
        ]
        # Not below /tmp, which may be mounted so that no programs run there.
        environment = {**os.environ, "TMPDIR": str(directory)}
        result = subprocess.run(
            command, env=environment, capture_output=True, text=True, check=False
        )
        if result.returncode:
            raise CommandError(command, result.returncode, result.stderr[-4000:])
        (directory / "Dockerfile").write_text(DOCKERFILE)
        build(directory, "Dockerfile", name, {})
