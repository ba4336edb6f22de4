"""Pods whose owner is gone: which are deleted, when, and which are none of our business."""

from __future__ import annotations

from typing import Any, cast

import pytest

from gamesession.api.labels import GAME_LABEL, SESSION_LABEL
from gamesession.controller.orphans import PATIENCE, Orphans
from gamesession.controller.store import Store
from gamesession.kube.errors import Gone
from gamesession.kube.resources import Resource
from tests.unit.plan.objects import ALICE, Object, game, pod, session


class Cluster:
    """Answers a GET with what is there, and takes note of what is deleted."""

    def __init__(self, *there: Object) -> None:
        self._there = {each["metadata"]["name"]: each for each in there}
        self.deleted: list[str] = []

    async def get(self, resource: Resource, namespace: str, name: str) -> Object:
        if not name:  # the path of the collection
            return {"kind": f"{resource.kind}List", "metadata": {}, "items": []}
        if name not in self._there:
            raise Gone(404, {})
        return self._there[name]

    async def delete(self, resource: Resource, namespace: str, name: str, *, uid: str) -> Object:
        self.deleted.append(uid)
        return {}


class Scene:
    """A store, and a clock that the test moves."""

    def __init__(self, *there: Object) -> None:
        self.store, self.cluster, self.time = Store(), Cluster(*there), 0.0
        self.orphans = Orphans(cast(Any, self.cluster), self.store, lambda: self.time)

    async def deleted_after(self, seconds: float) -> list[str]:
        await self.orphans.sweep()
        self.time += seconds
        await self.orphans.sweep()
        return self.cluster.deleted


@pytest.mark.parametrize(("seconds", "goes"), [(PATIENCE - 1, False), (PATIENCE, True)])
async def test_a_pod_whose_session_is_gone_goes_after_a_while(seconds: float, goes: bool) -> None:
    scene = Scene()
    scene.store.see_pod(pod(uid="left"))
    assert (await scene.deleted_after(seconds) == ["left"]) is goes


async def test_a_pod_whose_session_lives_stays() -> None:
    scene = Scene()
    scene.store.see_session(session(ALICE))
    scene.store.see_pod(pod(of=session(ALICE)))
    assert await scene.deleted_after(PATIENCE) == []


async def test_a_pod_whose_session_the_store_missed_stays() -> None:
    scene = Scene(session(ALICE))
    scene.store.see_pod(pod(of=session(ALICE)))
    assert await scene.deleted_after(PATIENCE) == []


async def test_a_pod_of_a_game_that_lives_stays() -> None:
    """A warm pod."""
    scene = Scene()
    scene.store.see_game(game())
    warm = pod()
    warm["metadata"]["ownerReferences"][0]["uid"] = game()["metadata"]["uid"]
    scene.store.see_pod(warm)
    assert await scene.deleted_after(PATIENCE) == []


async def test_a_pod_that_names_no_session_goes_too() -> None:
    """A warm pod whose Game is gone."""
    scene = Scene()
    warm = pod(uid="warm")
    del warm["metadata"]["labels"][SESSION_LABEL]
    scene.store.see_pod(warm)
    assert await scene.deleted_after(PATIENCE) == ["warm"]


async def test_a_pod_that_is_of_no_game_is_not_ours() -> None:
    scene = Scene()
    foreign = pod()
    del foreign["metadata"]["labels"][GAME_LABEL]
    scene.store.see_pod(foreign)
    assert await scene.deleted_after(PATIENCE) == []


async def test_one_that_saves_its_state_is_going_but_not_gone() -> None:
    """The next life of its user waits for it."""
    scene = Scene()
    scene.store.see_pod(pod())
    await scene.deleted_after(PATIENCE)
    [going] = scene.store.pods.values()
    assert not going.is_alive
    scene.time += PATIENCE
    assert len(await scene.deleted_after(PATIENCE)) == 1, "and nobody asks for its end again"
