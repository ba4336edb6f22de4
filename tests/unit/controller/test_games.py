"""What is kept of Games between two looks."""

from __future__ import annotations

from typing import Any, cast
from unittest.mock import AsyncMock

from gamesession.controller.catalogue import Catalogue
from gamesession.controller.games import Games
from gamesession.controller.pools import Pools
from gamesession.controller.store import Store
from gamesession.kube.errors import ApiError, ServerFault
from gamesession.kube.resources import Resource
from tests.unit.plan.objects import CHESS, NAMESPACE, Object, game, version


class Cluster:
    """Takes every status, and every pod unless it is told to refuse."""

    def __init__(self) -> None:
        self.refusal: ApiError | None = None

    async def create(self, resource: Resource, namespace: str, body: Object, **_: Any) -> Object:
        if self.refusal:
            raise self.refusal
        return body

    async def merge_patch(self, *_: Any, **__: Any) -> Object:
        found = game(uid="first")
        found["metadata"]["resourceVersion"] = version()
        return found


def the_pools(store: Store) -> Pools:
    return Pools(
        cast(Any, Cluster()),
        store,
        Catalogue(),
        look_again=lambda key, seconds: None,
        failed=lambda key: None,
    )


async def test_nothing_is_kept_of_a_game_that_is_gone() -> None:
    """Games may come and go for months, each with a uid of its own."""
    store = Store()
    games = Games(
        cast(Any, Cluster()),
        store,
        Catalogue(),
        the_pools(store),
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


async def test_one_fault_delays_acceptance_by_a_moment_and_many_by_more() -> None:
    """Sessions wait for it."""
    looks: list[float] = []
    store, cluster = Store(), Cluster()
    games = Games(
        cast(Any, cluster),
        store,
        Catalogue(),
        the_pools(store),
        allow_privileged=False,
        changed=lambda key: None,
        look_again=lambda key, seconds: looks.append(seconds),
    )
    store.see_game(game(uid="first"))
    games._report = AsyncMock()  # type: ignore[method-assign]  # asks for looks of its own
    cluster.refusal = ServerFault(500, {})
    for _ in range(12):
        await games.reconcile((NAMESPACE, CHESS))
    assert looks[0] <= 1
    assert 5 <= looks[-1] <= 10
    cluster.refusal = None
    await games.reconcile((NAMESPACE, CHESS))
    assert len(looks) == 12
