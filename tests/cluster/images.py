"""Images for the node: built here, kept in the cache as archives, brought to containerd."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.cluster import base, buildah, cache, prerequisites
from tests.cluster.binaries import PAUSE
from tests.cluster.context import Context
from tests.cluster.errors import CommandError
from tests.cluster.node import PAUSE_IMAGE
from tests.cluster.progress import step

LABEL = "gamelibrary.io/built-from"
PAUSE_DOCKERFILE = 'FROM scratch\nCOPY pause /pause\nENTRYPOINT ["/pause"]\n'


@dataclass(frozen=True)
class Images:
    """The images of one node.

    Attributes:
        socket: containerd's.
    """

    socket: Path

    def build(self, context: Context, tag: str, arguments: dict[str, str]) -> str:
        """Builds an image on the base and brings it to the node, unless it is there.

        Args:
            context: what it is built from.
            tag: its name.
            arguments: values for ARG; BASE is given.

        Returns:
            What it is built from: another value means another image.

        Raises:
            CommandError: building failed; with the end of what it printed.
        """
        with cache.lock(cache.directory("locks") / "images", "waiting for another build ..."):
            name = base.ensure()
            key = context.key(name, *(f"{each}={value}" for each, value in arguments.items()))

            def build(directory: Path) -> None:
                context.copy(directory)
                values = {"BASE": name, **arguments}
                buildah.build(directory, context.dockerfile, reference(tag), values)

            self._ensure(reference(tag), key, build)
        return key

    def ensure_pause(self) -> None:
        """Brings the pause image to the node, in which kubelet holds each pod's network."""

        def build(directory: Path) -> None:
            shutil.copy2(PAUSE.directory() / "pause", directory)
            (directory / "Dockerfile").write_text(PAUSE_DOCKERFILE)
            buildah.build(directory, "Dockerfile", PAUSE_IMAGE, {})

        with cache.lock(cache.directory("locks") / "images", "waiting for another build ..."):
            self._ensure(PAUSE_IMAGE, PAUSE.key(), build)

    def _ensure(self, name: str, key: str, build: Callable[[Path], None]) -> None:
        if self.key_of(name) == key:
            return
        short = name.removeprefix("docker.io/library/")
        archive = cache.directory("images") / f"{short.replace('/', '_').replace(':', '_')}-{key}"
        if not archive.exists():
            prerequisites.obtain("buildah", "unshare")
            with step(f"building the image {short} (seconds to a minute)", "built"):
                export(name, archive, build)
        with step(f"bringing the image {short} to the node", "there"):
            self.ctr("images", "import", str(archive))
            self.ctr("images", "label", name, f"{LABEL}={key}")

    def key_of(self, name: str) -> str | None:
        """What an image of the node was built from; `None` if the node does not have it."""
        rows = self.ctr("images", "list", f"name=={name}").splitlines()[1:]
        labels = [label for row in rows for label in row.split()[-1].split(",")]
        prefix = f"{LABEL}="
        keys = [label.removeprefix(prefix) for label in labels if label.startswith(prefix)]
        return keys[0] if keys else None

    def ctr(self, *arguments: str) -> str:
        """Runs containerd's client and returns what it printed; raises CommandError."""
        program = prerequisites.find("ctr") or "ctr"
        command = [program, f"--address={self.socket}", "--namespace=k8s.io", *arguments]
        result = subprocess.run(command, capture_output=True, text=True, check=False)
        if result.returncode:
            raise CommandError(command, result.returncode, result.stdout + result.stderr)
        return result.stdout


def export(name: str, archive: Path, build: Callable[[Path], None]) -> None:
    """Builds an image and writes it to an archive, in place of those of its earlier versions."""
    with cache.workspace("images", "image") as directory:
        context = directory / "context"
        context.mkdir()
        build(context)
        unfinished = directory / "image"
        buildah.buildah("push", "--quiet", name, f"oci-archive:{unfinished}:{name}")
        stem = archive.name.rpartition("-")[0]
        for old in archive.parent.glob(f"{stem}-*"):
            old.unlink()
        unfinished.rename(archive)
    # Steps that no image is built with any more; those of this one stay for its next version.
    buildah.buildah("rmi", "--prune")


def reference(tag: str) -> str:
    """The full name of an image, as kubelet understands a short one.

    >>> reference("gamesession")
    'docker.io/library/gamesession:latest'
    """
    host, slash, _ = tag.partition("/")
    name = tag if ":" in tag.rpartition("/")[2] else f"{tag}:latest"
    if not slash:
        return f"docker.io/library/{name}"
    if "." in host or ":" in host or host == "localhost":
        return name
    return f"docker.io/{name}"
