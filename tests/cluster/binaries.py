"""The cluster's programs, built from pinned Go modules and cached by what they are built from."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.cluster import cache
from tests.cluster.errors import ClusterError
from tests.cluster.prerequisites import require
from tests.cluster.progress import step

SOURCES = Path(__file__).parent
KUBERNETES_PROGRAMS = (
    "etcd",
    "kube-apiserver",
    "kube-controller-manager",
    "kube-scheduler",
    "kubelet",
    "kube-proxy",
    "kubectl",
)
# kwok's own stages for pods that become Ready at once and nodes that stay so.
KWOK_STAGES = (
    "node/fast/node-initialize.yaml",
    "node/heartbeat-with-lease/node-heartbeat-with-lease.yaml",
    "pod/fast/pod-ready.yaml",
    "pod/fast/pod-complete.yaml",
    "pod/fast/pod-delete.yaml",
)


@dataclass(frozen=True)
class Build:
    """One Go module below this folder and the program it makes."""

    name: str
    package: str
    takes: str
    version_module: str | None = None
    finish: Callable[[Build, Path], None] | None = None

    @property
    def source(self) -> Path:
        """The folder with the module's go.mod."""
        return SOURCES / self.name

    @property
    def version(self) -> str:
        """The pinned version without its `v`, or an empty string if the module is our own."""
        if self.version_module is None:
            return ""
        pinned = re.search(
            rf"^(?:require)?\s*{re.escape(self.version_module)} v(\S+)(?: // indirect)?$",
            (self.source / "go.mod").read_text(),
            re.MULTILINE,
        )
        if pinned is None:
            raise ClusterError(f"{self.source}/go.mod does not pin {self.version_module}")
        return pinned.group(1)

    def directory(self) -> Path:
        """Where the built program is, building it first if need be.

        Raises:
            PrerequisiteError: there is no Go toolchain.
            ClusterError: the build failed; the message holds what Go said.
        """
        require("go")
        path = cache.directory("binaries") / f"{self.name}-{self.key()}"
        if path.is_dir():
            return path
        waiting = f"waiting for another process that builds {self.name} ..."
        with cache.lock(cache.directory("locks") / f"build-{self.name}", waiting):
            if not path.is_dir():
                self._build(path)
        return path

    @property
    def program(self) -> Path:
        """The built program, built first if need be; raises what `directory` does."""
        return self.directory() / self.name

    def key(self) -> str:
        """Names what the program is built from: its sources, the compiler and how it is called."""
        files = [
            (path.name, path.read_bytes())
            for path in self.source.iterdir()
            if path.name in ("go.mod", "go.sum") or path.suffix == ".go"
        ]
        compiler = go(self, "env", "GOVERSION", "GOOS", "GOARCH")
        extra = KWOK_STAGES if self.finish else KUBERNETES_PROGRAMS
        return cache.key(files, compiler, *self._flags(), *extra)

    def _flags(self) -> tuple[str, ...]:
        # -buildvcs=false: the state of this checkout is no part of the program, and git may refuse
        # to tell it to another user.
        return ("-mod=readonly", "-trimpath", "-buildvcs=false", "-ldflags", self._linker_flags())

    def _linker_flags(self) -> str:
        if self.name != "kubernetes":
            return "-s -w"
        major, minor, _ = self.version.split(".", 2)
        base = "k8s.io/component-base/version"
        values = {
            f"{base}.gitVersion": f"v{self.version}",
            f"{base}.gitMajor": major,
            f"{base}.gitMinor": minor,
            "k8s.io/client-go/pkg/version.gitVersion": f"v{self.version}",
        }
        return " ".join(["-s -w", *(f"-X {name}={value}" for name, value in values.items())])

    def _build(self, path: Path) -> None:
        title = f"{self.name.capitalize()} {self.version}".strip()
        with (
            step(f"building {title} from source ({self.takes})", "built"),
            cache.workspace("binaries", self.name) as workspace,
        ):
            unfinished = workspace / "build"
            unfinished.mkdir()
            target = unfinished / self.name
            go(self, "build", *self._flags(), "-o", str(target), self.package)
            if self.finish is not None:
                self.finish(self, unfinished)
            # Only a whole build ever has the final name.
            unfinished.rename(path)


def go(build: Build, *arguments: str) -> str:
    """Runs Go in a build's folder and returns what it printed.

    Raises:
        ClusterError: Go ended with an error; the message holds what it said.
    """
    environment = {**os.environ, "CGO_ENABLED": "0", "GOWORK": "off"}
    command = ["go", *arguments]
    result = subprocess.run(
        command, cwd=build.source, env=environment, capture_output=True, text=True, check=False
    )
    if result.returncode:
        raise ClusterError(
            f"`go {arguments[0]}` failed in {build.source}:\n{result.stderr.strip()[-4000:]}"
        )
    return result.stdout.strip()


def link_programs(build: Build, directory: Path) -> None:
    """Gives the one binary the names of its programs; it looks at the name it is called by."""
    for program in KUBERNETES_PROGRAMS:
        (directory / program).symlink_to(build.name)


def copy_stages(build: Build, directory: Path) -> None:
    """Keeps kwok's stages beside it: running it then needs neither Go nor the module's source."""
    module = Path(go(build, "list", "-mod=readonly", "-m", "-f", "{{.Dir}}", "sigs.k8s.io/kwok"))
    stages = [(module / "kustomize" / "stage" / name).read_text() for name in KWOK_STAGES]
    (directory / "stages.yaml").write_text("\n---\n".join(stages))


KUBERNETES = Build(
    name="kubernetes",
    package=".",
    takes="about 5 minutes on two cores the first time",
    version_module="k8s.io/kubernetes",
    finish=link_programs,
)
KWOK = Build(
    name="kwok",
    package="sigs.k8s.io/kwok/cmd/kwok",
    takes="about a minute the first time",
    version_module="sigs.k8s.io/kwok",
    finish=copy_stages,
)
HELM = Build(
    name="helm",
    package="helm.sh/helm/v4/cmd/helm",
    takes="about two minutes the first time",
    version_module="helm.sh/helm/v4",
)
PAUSE = Build(name="pause", package=".", takes="a second")
