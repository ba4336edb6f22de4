"""Runs buildah with a storage of its own, in the cache, and without leaving mounts behind."""

from __future__ import annotations

import os
import subprocess
import tempfile
from pathlib import Path

from tests.cluster import cache
from tests.cluster.errors import CommandError

# Where Debian keeps the authorities that its programs trust, and where others name their own.
AUTHORITIES = Path("/etc/ssl/certs/ca-certificates.crt")
AUTHORITY_VARIABLES = ("PIP_CERT", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")


def buildah(*arguments: str) -> str:
    """Runs buildah and returns what it printed.

    Raises:
        CommandError: it ended with an error.
    """
    storage = cache.directory("buildah")
    with tempfile.TemporaryDirectory(prefix="gamesession-buildah-") as state:
        command = [
            # buildah keeps its storage mounted: here until it ends, on the machine for ever.
            *("unshare", "--mount", "--propagation=private"),
            *("buildah", f"--root={storage}", f"--runroot={state}", "--storage-driver=overlay"),
            *arguments,
        ]
        result = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
        )
    if result.returncode:
        output = (result.stdout + result.stderr)[-4000:]
        raise CommandError(["buildah", *arguments], result.returncode, output)
    return result.stdout.strip()


def build(directory: Path, dockerfile: str, tag: str, arguments: dict[str, str]) -> None:
    """Builds an image from a Dockerfile.

    Its RUN lines trust the authorities that this machine trusts, which matters where downloads pass
    through a proxy with a certificate of its own. The image keeps its own.

    Args:
        directory: the build context.
        dockerfile: relative to it.
        tag: the image's name.
        arguments: values for ARG.

    Raises:
        CommandError: it failed; with the end of what it printed.
    """
    options = [f"--build-arg={name}={value}" for name, value in arguments.items()]
    if (trusted := authorities()) is not None:
        options.append(f"--volume={trusted}:{AUTHORITIES}:ro")
    # chroot: RUN lines need no network or control groups of their own.
    buildah(
        *("build", "--isolation=chroot", "--layers", "--pull=never", *options),
        *(f"--tag={tag}", f"--file={directory / dockerfile}", str(directory)),
    )


def authorities() -> Path | None:
    """The file of authorities that this machine trusts, if there is one."""
    named = [os.environ.get(name) for name in AUTHORITY_VARIABLES]
    found = [Path(name).resolve() for name in [*named, str(AUTHORITIES)] if name]
    return next((path for path in found if path.is_file()), None)
