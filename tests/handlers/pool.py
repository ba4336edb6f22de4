"""The pool of the Game `chess`, as tests of the operator's parts see it."""

from __future__ import annotations

from typing import Any

from gamesession.plan.game import Game
from tests.handlers.scene import CHESS, Scene
from tests.unit.plan.objects import Object, game, warm_pod

POOLED = game(warmPool={"size": 2})


async def fill(scene: Scene) -> None:
    """One look at the pool."""
    await scene.pools.reconcile(CHESS)


def wait(scene: Scene) -> list[Object]:
    """The pods that wait for a user and that nobody has deleted."""
    return [
        each
        for each in scene.server.all("pods")
        if each["metadata"]["labels"]["gamelibrary.io/role"] == "warm"
        and "deletionTimestamp" not in each["metadata"]
    ]


def ready(name: str = "b", **fields: Any) -> Object:
    """A pod that has waited for a minute."""
    return warm_pod(name, **({"ready": True, "created": -60} | fields))


def edited(**spec: Any) -> Object:
    """The Game after an edit, which is accepted."""
    found = game(**spec)
    found["metadata"]["generation"] = 2
    found["status"]["conditions"][0]["observedGeneration"] = 2
    return found


def failure(scene: Scene) -> tuple[int, str] | None:
    """How many times in a row pods failed, and why the last one did."""
    found = scene.pools.failure(Game.from_object(scene.server.one("games")))
    return (found.count, found.reason) if found else None


async def starts(scene: Scene) -> Object:
    """The Game's condition Ready."""
    await scene.games.reconcile(CHESS)
    conditions: list[Object] = scene.server.one("games")["status"]["conditions"]
    return next(each for each in conditions if each["type"] == "Ready")
