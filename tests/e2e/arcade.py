"""Games of the tests' own, and users who play them."""

from __future__ import annotations

import secrets
from typing import Any

from gamesession.api.names import session_name
from gamesession.kube.resources import GAMES
from tests.e2e.gateway import Gateway
from tests.e2e.stack import MISCHIEF, OURS, Stack
from tests.e2e.user import User
from tests.integration.condition import condition
from tests.integration.playground import Playground

SERVICES = [{"name": "mischief", "port": 8000}]


class Arcade:
    """The namespace of the games, with Games of one test that are gone when it ends.

    Attributes:
        ground: the namespace as the test sees it.
        gateway: the one that users come to.
    """

    def __init__(self, stack: Stack, ground: Playground, gateway: Gateway) -> None:
        self.ground = ground
        self._stack = stack
        self.gateway = gateway
        self._games: list[str] = []

    async def open(
        self,
        *,
        environment: dict[str, str] | None = None,
        pod: dict[str, Any] | None = None,
        name: str = "",
        **spec: Any,
    ) -> str:
        """Make a Game of the mischief image and wait until it is accepted; returns its name.

        Args:
            environment: of the container.
            pod: other fields of the pod's spec.
            name: its name, if it must be a certain one.
            spec: other fields of the Game's spec, by their names in the API.
        """
        pods = template(container(environment or {}), **(pod or {}))
        return await self.install(name, **{"services": SERVICES, "template": pods, **spec})

    async def install(self, name: str = "", /, **spec: Any) -> str:
        """Make a Game with a name and a route of its own, and wait until it is accepted."""
        name = await self.propose(name, **spec)
        found = condition(self.ground.games[name], "Accepted")
        assert found is not None
        assert found["status"] == "True", found
        return name

    async def propose(self, name: str = "", /, **spec: Any) -> str:
        """Make a Game and wait until the operator has judged it; returns its name."""
        name = name or f"{OURS}{secrets.token_hex(3)}"
        self._games.append(name)
        await self.ground.create_game(name, **spec)
        return name

    def user(self, name: str, game: str, gateway: Gateway | None = None) -> User:
        """A user of a Game, who has a token."""
        return User(gateway or self.gateway, name, game, self._stack.token(name))

    def users(self, count: int, game: str) -> list[User]:
        """Several users."""
        return [self.user(f"user-{number}", game) for number in range(count)]

    def session_of(self, user: User) -> str:
        """The name of a user's session."""
        return session_name(user.game, user.name)

    def pod_of(self, uid: str) -> dict[str, Any]:
        """The pod with that uid."""
        return next(pod for pod in self.ground.pods.values() if pod["metadata"]["uid"] == uid)

    async def close(self) -> None:
        """Delete the Games; returns when they and their sessions are gone. Pods follow."""
        for name in self._games:
            if name in self.ground.games:
                await self.ground.delete(GAMES, name)
        await self.ground.until(lambda: not set(self._games) & set(self.ground.games))
        await self.ground.until(
            lambda: (
                not any(
                    session["spec"]["game"] in self._games
                    for session in self.ground.sessions.values()
                )
            )
        )


def template(of: dict[str, Any], **pod: Any) -> dict[str, Any]:
    """A pod template of one container.

    A process that is stopped before it takes signals is killed soon: as number 1 of its container
    it would not have heard the first one.
    """
    return {"spec": {"containers": [of], "terminationGracePeriodSeconds": 2, **pod}}


def container(environment: dict[str, str]) -> dict[str, Any]:
    """The mischief image, so light that a hundred of them fit on a small machine."""
    return {
        "name": "mischief",
        "image": MISCHIEF,
        "imagePullPolicy": "IfNotPresent",
        "ports": [{"containerPort": 8000}],
        "env": [{"name": name, "value": value} for name, value in environment.items()],
        "readinessProbe": {"httpGet": {"path": "/healthz", "port": 8000}, "periodSeconds": 1},
        "resources": {"requests": {"cpu": "1m", "memory": "16Mi"}, "limits": {"memory": "128Mi"}},
    }
