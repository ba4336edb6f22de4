"""kopf's finalizer on a Game that is being deleted: kopf takes it off, else we do."""

from __future__ import annotations

from typing import Any

import pytest

from gamesession.controller.finalizer import FINALIZER, PATIENCE, Finalizer
from gamesession.kube.errors import Conflict
from tests.handlers.scene import CHESS, Scene
from tests.unit.plan.objects import Object, game


class Stage:
    """A Game that is being deleted, and a clock that the test moves."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self.seconds = 0.0
        self.looks: list[float] = []
        self.finalizer = Finalizer(
            scene.cluster,
            scene.store,
            lambda key, seconds: self.looks.append(seconds),
            lambda: self.seconds,
        )

    def start(self, *finalizers: str) -> None:
        found = game(deleting=True)
        found["metadata"]["finalizers"] = list(finalizers)
        self.scene.start(found)

    async def look(self) -> None:
        known = self.scene.store.games.get(CHESS)
        assert known is not None
        await self.finalizer.release(known)

    async def look_when_it_is_time(self) -> None:
        await self.look()
        self.seconds += PATIENCE
        await self.look()


@pytest.fixture
def stage(scene: Scene) -> Stage:
    return Stage(scene)


async def test_kopf_has_its_time(stage: Stage) -> None:
    stage.start(FINALIZER)
    await stage.look()
    stage.seconds = 2
    await stage.look()
    assert stage.looks == [PATIENCE, PATIENCE - 2]
    assert stage.scene.server.requests == []


async def test_then_only_kopfs_is_taken_off(stage: Stage) -> None:
    stage.start("somebody/else", FINALIZER)
    known = stage.scene.server.one("games")["metadata"]["resourceVersion"]
    await stage.look_when_it_is_time()
    read, write = stage.scene.server.requests
    assert (read.method, write.method) == ("GET", "PATCH")
    assert write.headers["Content-Type"] == "application/merge-patch+json"
    assert write.data == {
        "metadata": {
            "uid": "uid-of-chess",
            "resourceVersion": known,
            "finalizers": ["somebody/else"],
        }
    }


@pytest.mark.parametrize("finalizers", [(), ("somebody/else",)])
async def test_what_else_holds_it_back_is_not_ours(stage: Stage, finalizers: Any) -> None:
    stage.start(*finalizers)
    await stage.look_when_it_is_time()
    assert stage.scene.server.writes == []


async def test_the_next_game_of_that_name_keeps_its_own(stage: Stage) -> None:
    stage.start(FINALIZER)
    after: Object = game(uid="uid-of-the-next")
    after["metadata"]["finalizers"] = [FINALIZER]
    stage.scene.server.store(after)
    await stage.look_when_it_is_time()
    assert stage.scene.server.writes == []


async def test_a_game_that_is_gone_is_forgotten(stage: Stage) -> None:
    stage.start(FINALIZER)
    stage.scene.server.remove(game())
    await stage.look_when_it_is_time()
    assert stage.scene.store.games.get(CHESS) is None


async def test_who_writes_in_between_is_not_overruled(stage: Stage) -> None:
    def write(request: Any) -> Object:
        answer = dict(stage.scene.server.one("games"))
        answer = answer | {"metadata": dict(answer["metadata"])}
        stage.scene.server.store(stage.scene.server.one("games"))
        return answer

    stage.start(FINALIZER)
    stage.scene.server["get"] << write
    with pytest.raises(Conflict):
        await stage.look_when_it_is_time()
