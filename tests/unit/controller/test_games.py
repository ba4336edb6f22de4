"""What is kept of Games between two looks."""

from __future__ import annotations

from typing import Any, cast

from gamesession.controller.catalogue import Catalogue
from gamesession.controller.games import Games
from gamesession.controller.store import Store
from gamesession.kube.resources import Resource
from tests.unit.plan.objects import CHESS, NAMESPACE, Object, game, version


class Cluster:
    """Takes every pod and every status."""

    async def create(self, resource: Resource, namespace: str, body: Object, **_: Any) -> Object:
        return body

    async def merge_patch(self, *_: Any, **__: Any) -> Object:
        found = game(uid="first")
        found["metadata"]["resourceVersion"] = version()
        return found


async def test_nothing_is_kept_of_a_game_that_is_gone() -> None:
    """Games may come and go for months, each with a uid of its own."""
    store = Store()
    games = Games(
        cast(Any, Cluster()),
        store,
        Catalogue(),
        allow_privileged=False,
        changed=lambda key: None,
        look_again=lambda key, seconds: None,
    )
    store.see_game(game(uid="first"))
    await games.reconcile((NAMESPACE, CHESS))
    assert games._answers and games._written
    store.lose_game((NAMESPACE, CHESS), "first")
    await games.reconcile((NAMESPACE, CHESS))
    assert not games._answers and not games._written
