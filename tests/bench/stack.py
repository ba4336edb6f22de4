"""What is measured: cluster, operator, gateway and a game of the bench's own."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Self
from urllib.parse import urlencode, urlsplit

import yaml

from demo import install
from demo.player import token
from demo.target import FORTUNE, GAMES, OwnMachine
from gamesession.api.labels import GAME_LABEL, ROLE_LABEL, ROLE_WARM
from gamesession.kube.resources import PODS
from tests.bench.watcher import has_condition_ready
from tests.cluster.api import API
from tests.cluster.waiting import wait_for

GAME = "bench"
"""Its name and its route: the fortune-game, but sessions neither idle out nor save."""
WHOAMI = f"/api/{GAME}/whoami"
AGENT_PORT = 8001
HTTP_PORT = 80
POOL_SECONDS = 90.0


@dataclass(frozen=True)
class Installed:
    """A running stack.

    Attributes:
        gateway: IP of its Service, which listens on `HTTP_PORT`.
        secret: what tokens are signed with.
    """

    target: OwnMachine
    gateway: str
    secret: str

    @classmethod
    def on_this_machine(cls) -> Installed:
        """Install it.

        Raises:
            ClusterError, DidNotHappen: something did not get ready.
        """
        target = OwnMachine()
        secret = install.everything(target)
        with target.gateway() as url:
            installed = cls(target, urlsplit(url).hostname or "", secret)
        installed.remove_game()
        installed.add_game()
        return installed

    @property
    def api(self) -> API:
        """The API server."""
        return self.target.machine.api

    def bearer(self, user: str) -> dict[str, str]:
        """The header that says who asks."""
        return {"Authorization": f"Bearer {token(user, self.secret)}"}

    def add_game(self) -> None:
        """The bench's Game, accepted."""
        game = yaml.safe_load((FORTUNE / "game.yaml").read_text())
        game["metadata"]["name"] = game["spec"]["route"] = GAME
        game["spec"]["session"]["idleTimeout"] = "10m"
        del game["spec"]["hooks"]
        kubectl = self.target.kubectl
        kubectl("-n", GAMES, "apply", "-f", "-", stdin=json.dumps(game))
        kubectl(*("-n", GAMES, "wait", "--for=condition=Accepted", f"game/{GAME}", "--timeout=60s"))

    def set_pool(self, size: int) -> None:
        """So many pods of the bench's Game wait, and are Ready; none if 0.

        Raises:
            ClusterError: they do not get Ready, or do not go.
        """
        patch = json.dumps({"spec": {"warmPool": {"size": size}}})
        kubectl = self.target.kubectl
        kubectl("-n", GAMES, "patch", "game", GAME, "--type=merge", "-p", patch)
        self.await_pool(size)

    def await_pool(self, size: int) -> None:
        """Wait until the pool has its size again."""
        wait_for(lambda: self._waiting() == size, POOL_SECONDS, f"{size} pods to wait")

    def _waiting(self) -> int | None:
        """How many pods wait; `None` while one is not Ready, or on its way out."""
        query = urlencode({"labelSelector": f"{ROLE_LABEL}={ROLE_WARM},{GAME_LABEL}={GAME}"})
        pods = self.api.get(f"{PODS.path(GAMES)}?{query}")["items"]
        leaving = any("deletionTimestamp" in pod["metadata"] for pod in pods)
        return None if leaving or not all(map(has_condition_ready, pods)) else len(pods)

    def remove_game(self) -> None:
        """The bench's Game is gone, and with it every session and pod of it."""
        kubectl = self.target.kubectl
        kubectl("-n", GAMES, "delete", "game", GAME, "--ignore-not-found", "--timeout=60s")
        kubectl(
            *("-n", GAMES, "wait", "--for=delete", "pods", "--timeout=60s"),
            *("-l", f"gamelibrary.io/game={GAME}"),
        )


class Stack:
    """The stack, installed when a bench first asks for it; its Game is removed at the end."""

    def __init__(self) -> None:
        self._installed: Installed | None = None

    def installed(self) -> Installed:
        """The running stack.

        Raises:
            ClusterError, DidNotHappen: something did not get ready.
        """
        if self._installed is None:
            self._installed = Installed.on_this_machine()
        return self._installed

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._installed is not None:
            self._installed.remove_game()
