"""A release of the chart beside the one that `make demo` leaves, in namespaces of its own."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from typing import Final

from demo.target import CHART
from tests.cluster.errors import ClusterError
from tests.e2e.stack import MANY_STARTS, Stack, name_of

NAME: Final = "e2e-second"
SYSTEM: Final = "e2e-second-system"
GAMES: Final = "e2e-second-games"
PATIENCE: Final = "--timeout=180s"
NOT_OURS: Final = {
    f"namespace/{SYSTEM}",
    f"namespace/{GAMES}",
    f"secret/{NAME}-jwt",
    "configmap/kube-root-ca.crt",
    "serviceaccount/default",
}


class Release:
    """The chart, installed under another name.

    Attributes:
        stack: the first release; its key signs the tokens of both.
    """

    def __init__(self, stack: Stack) -> None:
        self.stack = stack

    def install(self) -> None:
        """Install it and wait until it runs. The namespace of its games stays from one time to the
        next, and the CRDs are the first release's."""
        kubectl = self.stack.kubectl
        there = kubectl("get", "namespace", GAMES, "--ignore-not-found", "-o", "name")
        if not kubectl("get", "namespace", SYSTEM, "--ignore-not-found", "-o", "name"):
            kubectl("create", "namespace", SYSTEM)
            secret = f"--from-literal=secret={self.stack.secret}"
            kubectl("-n", SYSTEM, "create", "secret", "generic", f"{NAME}-jwt", secret)
        values = {
            "games": {"namespaces": [GAMES], "createNamespaces": not there},
            "crds": {"install": False},
            "uninstall": {"timeout": "10s"},
            "gateway": {
                "env": [{"name": name, "value": value} for name, value in MANY_STARTS.items()]
            },
        }
        flags = [f"--set-json={name}={json.dumps(value)}" for name, value in values.items()]
        self._helm("install", NAME, str(CHART), *flags, "--wait", PATIENCE)

    def upgrade(self, version: str) -> None:
        """Give all pods of operator and gateway another version, and wait until they run."""
        flags = [
            f"--set-string={component}.podAnnotations.version={version}"
            for component in ("operator", "gateway")
        ]
        self._helm(
            "upgrade", NAME, str(CHART), "--reset-then-reuse-values", *flags, "--wait", PATIENCE
        )

    def roll_back(self) -> None:
        """Go back to the revision before this one."""
        self._helm("rollback", NAME, "--wait", PATIENCE)

    def test(self) -> str:
        """What `helm test` says."""
        return self._helm("test", NAME, PATIENCE)

    def uninstall(self) -> None:
        """End it, as a person would."""
        self._helm("uninstall", NAME, PATIENCE)

    def kill_operator(self) -> None:
        """Let there be no operator any more."""
        deployment = f"deployment/{NAME}-operator"
        self.stack.kubectl("-n", SYSTEM, "scale", deployment, "--replicas=0")
        gone = ("wait", "pods", "-l", "app.kubernetes.io/name=gamesession-operator")
        self.stack.kubectl("-n", SYSTEM, *gone, "--for=delete", "--timeout=60s")

    def pods(self) -> set[str]:
        """Names of its pods that nobody has asked to end."""
        return {
            name_of(pod)
            for pod in self.stack.objects("pods", SYSTEM)
            if "deletionTimestamp" not in pod["metadata"]
        }

    def all_pods(self) -> set[str]:
        """Names of its pods, those on their way out among them."""
        return {name_of(pod) for pod in self.stack.objects("pods", SYSTEM)}

    @property
    def url(self) -> str:
        """The gateway's."""
        path = "jsonpath={.spec.clusterIP}"
        service = ("get", "service", f"{NAME}-gateway", "-o", path)
        return "http://" + self.stack.kubectl("-n", SYSTEM, *service)

    def left(self) -> set[str]:
        """What is there of it, as `kind/name`, but for Events, and for what Kubernetes itself and
        the person who installed it have put there."""
        kinds = set(self._kinds("--namespaced=true")) - {"events", "events.events.k8s.io"}
        found = {
            name
            for namespace in (SYSTEM, GAMES)
            for name in self._names("-n", namespace, "get", ",".join(sorted(kinds)))
        }
        everywhere = self._names("get", ",".join(self._kinds("--namespaced=false")))
        found |= {name for name in everywhere if NAME in name}
        return found - NOT_OURS

    def _kinds(self, flag: str) -> list[str]:
        command = ("api-resources", flag, "--verbs=list", "-o", "name")
        return self.stack.kubectl(*command).split()

    def _names(self, *command: str) -> list[str]:
        return self.stack.kubectl(*command, "-o", "name").split()

    def remove(self) -> None:
        """End it by force, should it be there, or have got stuck."""
        with contextlib.suppress(ClusterError):
            self._helm("uninstall", NAME, "--no-hooks", PATIENCE)
        for game in self.stack.objects("games", GAMES):
            nothing = '{"metadata":{"finalizers":null}}'
            patch = ("patch", "game", name_of(game), "--type=merge", "-p", nothing)
            self.stack.kubectl("-n", GAMES, *patch)
        names = (GAMES, SYSTEM)
        self.stack.kubectl("delete", "namespace", *names, "--ignore-not-found", "--timeout=120s")

    def _helm(self, *arguments: str) -> str:
        return self.stack.target.helm(*arguments, "--namespace", SYSTEM)


@contextlib.contextmanager
def second_release(stack: Stack) -> Iterator[Release]:
    """A release that runs, and is gone afterwards."""
    release = Release(stack)
    release.remove()
    release.install()
    try:
        yield release
    finally:
        release.remove()
