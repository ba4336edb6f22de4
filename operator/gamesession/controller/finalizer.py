"""kopf's finalizer on Games. kopf takes it off a Game that is being deleted, but tries that only
when it hears of the Game, which after a refusal may be never again: then we do it."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

import structlog

from gamesession.api.labels import GROUP
from gamesession.controller.shelf import Key, key_of
from gamesession.controller.store import Store
from gamesession.kube.cluster import Cluster
from gamesession.kube.errors import Gone
from gamesession.kube.resources import GAMES
from gamesession.plan.game import Game

log = structlog.get_logger(__name__)

FINALIZER: Final = f"{GROUP}/timer"
PATIENCE: Final = 5.0
"""Seconds that kopf has for it."""


class Finalizer:
    """Sees to it that deleted Games go.

    Args:
        look_again: (key, seconds) asks for another look at a Game.
        clock: seconds that only move forward.
    """

    def __init__(
        self,
        cluster: Cluster,
        store: Store,
        look_again: Callable[[Key, float], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._cluster = cluster
        self._store = store
        self._look_again = look_again
        self._clock = clock
        self._since: dict[str, float] = {}

    async def release(self, game: Game) -> None:
        """One look at a Game that is being deleted.

        Raises:
            ApiError, Unreachable: a write or read did not succeed; to be called again.
        """
        wait = self._first_seen(game) + PATIENCE - self._clock()
        if wait > 0:
            self._look_again(key_of(game), wait)
            return
        try:
            await self._remove(game)
        except Gone:
            self._store.lose_game(key_of(game), game.uid)

    def _first_seen(self, game: Game) -> float:
        if game.uid not in self._since:
            there = {each.uid for each in self._store.games.values()}
            self._since = {uid: at for uid, at in self._since.items() if uid in there}
            self._since[game.uid] = self._clock()
        return self._since[game.uid]

    async def _remove(self, game: Game) -> None:
        meta = (await self._cluster.get(GAMES, game.namespace, game.name))["metadata"]
        finalizers = meta.get("finalizers", [])
        if meta["uid"] != game.uid or FINALIZER not in finalizers:
            return  # what else holds it back is not ours
        patch = {
            "uid": game.uid,
            "resourceVersion": meta["resourceVersion"],
            "finalizers": [each for each in finalizers if each != FINALIZER],
        }
        await self._cluster.merge_patch(GAMES, game.namespace, game.name, {"metadata": patch})
        log.info("finalizer removed in kopf's stead", game=game.name)
