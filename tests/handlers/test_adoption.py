"""Sessions made by hand get labels, and their Game for an owner."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from gamesession.kube.errors import (
    ApiError,
    Conflict,
)
from tests.handlers.scene import SESSION, Scene
from tests.unit.plan.objects import (
    a_session,
    game,
    pod,
    session,
    text,
)


async def test_a_session_made_by_hand_gets_labels_and_owner(scene: Scene) -> None:
    scene.start(game(), session(adopted=False))
    scene.server.one("gamesessions")["metadata"]["labels"] = {"mine": "yes"}
    known = scene.server.one("gamesessions")["metadata"]["resourceVersion"]
    await scene.look()
    assert scene.server.writes == ["POST pods", "PATCH gamesessions"]
    request = scene.server.requests[-1]
    assert request.headers["Content-Type"] == "application/merge-patch+json"
    assert request.data["metadata"]["uid"] == "uid-of-alice"
    assert request.data["metadata"]["resourceVersion"] == known
    meta = scene.server.one("gamesessions")["metadata"]
    assert meta["labels"] == {
        "mine": "yes",
        "gamelibrary.io/game": "chess",
        "gamelibrary.io/session": a_session().name,
    }
    [owner] = meta["ownerReferences"]
    assert (owner["kind"], owner["uid"]) == ("Game", "uid-of-chess")
    assert "controller" not in owner
    assert "blockOwnerDeletion" not in owner


async def test_it_keeps_the_owners_it_has(scene: Scene) -> None:
    mine = session(adopted=False)
    other = {"apiVersion": "v1", "kind": "ConfigMap", "name": "x", "uid": "uid-of-x"}
    mine["metadata"]["ownerReferences"] = [other]
    scene.start(game(), mine)
    await scene.look()
    owners = scene.server.one("gamesessions")["metadata"]["ownerReferences"]
    assert [each["uid"] for each in owners] == ["uid-of-x", "uid-of-chess"]


async def test_it_is_adopted_once(scene: Scene) -> None:
    scene.start(game(), session(adopted=False))
    await scene.look_until_done()
    assert scene.server.writes.count("PATCH gamesessions") == 1


async def test_somebody_elses_write_during_adoption_stands(scene: Scene) -> None:
    def write(request: Any) -> Any:
        answer = copy.deepcopy(scene.server.one("gamesessions"))
        written = copy.deepcopy(answer)
        written["status"]["lastActivity"] = text(-3)
        scene.server.store(written)
        return answer

    scene.server[f"get {SESSION}"][:1] << write
    scene.start(game(), session(adopted=False), pod())
    with pytest.raises(Conflict):
        await scene.look()
    await scene.look_until_done()
    assert scene.status()["lastActivity"] == text(-3)
    assert "gamelibrary.io/game" in scene.server.one("gamesessions")["metadata"]["labels"]


async def test_the_next_life_is_not_adopted_in_the_place_of_the_first(scene: Scene) -> None:
    scene.start(game(), session(adopted=False), pod(ready=True))
    scene.server.remove(session())
    scene.server.store(session(adopted=False, uid="uid-of-the-next"))
    with pytest.raises(ApiError):
        await scene.look()
    assert "labels" not in scene.server.one("gamesessions")["metadata"]
