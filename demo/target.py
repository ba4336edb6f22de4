"""The cluster that the demo runs on: this machine's own, or one that was named."""

from __future__ import annotations

import contextlib
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol

import yaml

from demo.stage import DidNotHappen, line
from tests.cluster.errors import ClusterError
from tests.cluster.machine import Machine

ROOT = Path(__file__).resolve().parents[1]
SYSTEM = "gamesession-system"
GAMES = "games"
FORTUNE = ROOT / "manifests" / "samples" / "fortune-game"
CHART = ROOT / "charts" / "gamesession-operator"
VERSION: str = yaml.safe_load((CHART / "Chart.yaml").read_text())["appVersion"]
IMAGE = f"localhost/gamesession/gamesession:{VERSION}"


class Target(Protocol):
    """A cluster."""

    prefix: str
    """What a person types before `get pods`."""

    def kubectl(self, *arguments: str, stdin: str | None = None) -> str:
        """Run kubectl; its output. Raises ClusterError."""

    def helm(self, *arguments: str) -> str:
        """Run Helm; its output. Raises ClusterError."""

    def images(self) -> dict[str, str]:
        """Make sure of the images; for `gamesession` and `fortune-redis` a
        value that changes with the image."""

    def learn_kinds(self) -> None:
        """New CRDs are there: let the garbage collector know of them soon."""

    def gateway(self) -> AbstractContextManager[str]:
        """The gateway's URL, while it is open."""


class OwnMachine:
    """The cluster that is built on this machine."""

    prefix = "kubectl"

    def __init__(self) -> None:
        self.machine = Machine.up()

    def kubectl(self, *arguments: str, stdin: str | None = None) -> str:
        return self.machine.kubectl(*arguments, stdin=stdin)

    def helm(self, *arguments: str) -> str:
        return self.machine.helm(*arguments)

    def images(self) -> dict[str, str]:
        build = self.machine.build_image
        include = ["Dockerfile", "requirements.lock", "operator/gamesession"]
        ours = build(ROOT, IMAGE, include=include)
        build(FORTUNE, "localhost/gamesession/fortune-game:dev", include=["Dockerfile", "app"])
        redis = build(FORTUNE / "redis", "localhost/gamesession/fortune-redis:dev")
        return {"gamesession": ours, "fortune-redis": redis}

    def learn_kinds(self) -> None:
        self.machine.restart("kube-controller-manager")  # else it looks once in 30 s

    @contextlib.contextmanager
    def gateway(self) -> Iterator[str]:
        path = "jsonpath={.spec.clusterIP}"
        address = self.kubectl("-n", SYSTEM, "get", "service", "gamesession-gateway", "-o", path)
        yield f"http://{address}"


class NamedContext:
    """A cluster of the user's own. Nothing is built; its nodes must have, or be able to pull, the
    images that `images` of the other one builds."""

    def __init__(self, context: str) -> None:
        self.context = context
        self.prefix = f"kubectl --context {context}"
        for program in ("kubectl", "helm"):
            if shutil.which(program) is None:
                raise DidNotHappen(f"{program} is missing; install it to use a cluster of your own")
        line(f"Context {context}: no cluster is built, images are taken as the nodes have them.")

    def kubectl(self, *arguments: str, stdin: str | None = None) -> str:
        return self._run("kubectl", "--context", self.context, *arguments, stdin=stdin)

    def helm(self, *arguments: str) -> str:
        return self._run("helm", "--kube-context", self.context, *arguments)

    def _run(self, *command: str, stdin: str | None = None) -> str:
        result = subprocess.run(command, input=stdin, capture_output=True, text=True, check=False)
        if result.returncode:
            raise ClusterError(f"{' '.join(command)}: {result.stderr.strip()}")
        return result.stdout

    def images(self) -> dict[str, str]:
        return {}

    def learn_kinds(self) -> None:
        """Nothing: it looks by itself, once in 30 s."""

    @contextlib.contextmanager
    def gateway(self) -> Iterator[str]:
        command = ["kubectl", "--context", self.context, "-n", SYSTEM, "port-forward"]
        forward = subprocess.Popen(
            [*command, "service/gamesession-gateway", ":80"], stdout=subprocess.PIPE, text=True
        )
        try:
            said = forward.stdout.readline() if forward.stdout else ""
            if not (port := re.search(r"127\.0\.0\.1:(\d+)", said)):
                raise DidNotHappen("kubectl port-forward to the gateway did not open a port")
            yield f"http://127.0.0.1:{port[1]}"
        finally:
            forward.terminate()
            forward.wait()
