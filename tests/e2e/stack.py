"""All of it, installed and running: what `make demo` leaves behind."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jwt

from demo.target import GAMES, SYSTEM, OwnMachine
from tests.cluster.waiting import wait_for

IMAGES = Path(__file__).parent / "images"
MISCHIEF = "localhost/gamesession/e2e-mischief:dev"
GATEWAY = "gamesession-gateway"
MANY_STARTS = {"GAMESESSION_CREATIONS_PER_USER": "1000"}
"""For gateways of the tests: the same few users start more sessions in a minute than people do."""

OURS = "e2e-"
"""What the names of the tests' own Games begin with."""

PATIENCE = 120.0
"""Seconds in which kubelet starts a container again; it takes its time for one that ends often."""


@dataclass(frozen=True)
class Stack:
    """Operator, gateway and fortune-game on the cluster of this machine.

    Attributes:
        url: the gateway's.
        secret: what signs tokens.
    """

    target: OwnMachine
    url: str
    secret: str

    @property
    def kubectl(self) -> Callable[..., str]:
        """Runs kubectl as administrator."""
        return self.target.kubectl

    def objects(self, kind: str, namespace: str = GAMES) -> list[dict[str, Any]]:
        """All objects of a kind in a namespace."""
        found = json.loads(self.kubectl("-n", namespace, "get", kind, "-o", "json"))
        items: list[dict[str, Any]] = found["items"]
        return items

    def versions(self) -> list[str]:
        """Which version everything installed is, by what was applied."""
        return [
            f"{name_of(found)} {found['metadata']['generation']}"
            for kind, namespace in (
                ("deployments", SYSTEM),
                ("deployments", GAMES),
                ("games", GAMES),
            )
            for found in self.objects(kind, namespace)
        ]

    def token(
        self, user: object, *, key: Any = None, algorithm: str = "HS256", **claims: object
    ) -> str:
        """A token as the identity provider issues it, but for what is said otherwise.

        Args:
            key: what signs it; `None` for the right secret.
            claims: other claims; `None` leaves one out.
        """
        usual = {"sub": user, "iss": "gamesession", "aud": "games", "exp": int(time.time()) + 3600}
        payload = {name: value for name, value in (usual | claims).items() if value is not None}
        return jwt.encode(payload, self.secret if key is None else key, algorithm=algorithm)

    def set_gateway(self, settings: Mapping[str, str | None]) -> None:
        """Run the gateway with these settings besides; `None` for the default."""
        deployment = f"deployment/{GATEWAY}"
        pairs = [
            f"{name}-" if value is None else f"{name}={value}" for name, value in settings.items()
        ]
        self.kubectl("-n", SYSTEM, "set", "env", deployment, *pairs)
        self.kubectl("-n", SYSTEM, "rollout", "status", deployment, "--timeout=120s")

    def clean(self) -> None:
        """Delete what an interrupted run has left behind."""
        left = [name for game in self.objects("games") if (name := name_of(game)).startswith(OURS)]
        if left:
            self.kubectl("-n", GAMES, "delete", "games", *left, "--timeout=60s")

    def await_empty(self) -> None:
        """Wait until no pod of the tests' own Games is left."""
        wait_for(
            lambda: not any(name_of(pod).startswith(OURS) for pod in self.objects("pods")),
            PATIENCE,
            "the pods of the tests' own Games to be gone",
        )

    def kill(self, component: str) -> None:
        """End all processes of `operator` or `gateway` by SIGKILL, as a crash would."""
        before = self._containers(component)
        for status in before.values():
            container = status["containerID"].removeprefix("containerd://")
            self.target.machine.images.ctr("tasks", "kill", "--signal=SIGKILL", container)
        wait_for(
            lambda: all(
                status["restartCount"] > before[pod]["restartCount"]
                for pod, status in self._containers(component).items()
            ),
            PATIENCE,
            f"kubelet to see the {component} end",
        )

    def await_ready(self, component: str) -> None:
        """Wait until `operator` or `gateway` is ready, whichever life of it."""
        wait_for(
            lambda: all(status["ready"] for status in self._containers(component).values()),
            PATIENCE,
            f"the {component} to be ready",
        )

    def forget_crashes(self) -> None:
        """Give a component that was killed new pods: in the old ones, kubelet would take its time
        over the next start."""
        for component in ("operator", "gateway"):
            if any(status["restartCount"] for status in self._containers(component).values()):
                name = f"gamesession-{component}"
                self.kubectl("-n", SYSTEM, "rollout", "restart", f"deployment/{name}")
                self.kubectl(
                    "-n", SYSTEM, "rollout", "status", f"deployment/{name}", "--timeout=120s"
                )

    def log(self, component: str) -> str:
        """What the processes of `operator` or `gateway` have logged in their present lives."""
        label = f"app.kubernetes.io/name=gamesession-{component}"
        return self.kubectl("-n", SYSTEM, "logs", "-l", label, "--tail=-1")

    def bugs(self) -> list[str]:
        """What the logs say that they never should: errors of our own making."""
        signs = ("bug: ", "Traceback", "never retrieved", "request failed")
        return [
            line
            for component in ("operator", "gateway")
            for line in self.log(component).splitlines()
            if any(sign in line for sign in signs)
        ]

    def _containers(self, component: str) -> dict[str, dict[str, Any]]:
        """The status of a component's container in each of its pods, by their names."""
        return {
            name_of(pod): pod["status"]["containerStatuses"][0]
            for pod in self.objects("pods", SYSTEM)
            if name_of(pod).startswith(f"gamesession-{component}-")
            and "deletionTimestamp" not in pod["metadata"]
        }


def name_of(found: dict[str, Any]) -> str:
    """An object's name."""
    return str(found["metadata"]["name"])
