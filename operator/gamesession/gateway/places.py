"""How many requests may wait at once, for one game and in all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from gamesession.api.errors import Capacity
from gamesession.gateway.metrics import HELD_REQUESTS

RETRY_AFTER: Final = 5


class Places:
    """Places to wait in.

    Args:
        most: requests that may wait at once, in all.
        most_per_game: and for one game.
    """

    def __init__(self, most: int, most_per_game: int) -> None:
        self._most = most
        self._most_per_game = most_per_game
        self._taken: Counter[str] = Counter()
        self._all = 0

    @contextmanager
    def take(self, game: str) -> Iterator[None]:
        """Take a place; however the wait ends, it is free again at once.

        Raises:
            Capacity: all are taken.
        """
        if self._all >= self._most or self._taken[game] >= self._most_per_game:
            raise Capacity("Too many requests wait for sessions to start.", retry_after=RETRY_AFTER)
        self._change(game, 1)
        try:
            yield
        finally:
            self._change(game, -1)

    def taken(self, game: str) -> int:
        """How many wait for a game."""
        return self._taken[game]

    def _change(self, game: str, by: int) -> None:
        self._all += by
        self._taken[game] += by
        HELD_REQUESTS.labels(game).set(self._taken[game])
