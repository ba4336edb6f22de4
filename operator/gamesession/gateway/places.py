"""How many requests may wait at once, for one game, of one user, and in all."""

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

    A user's first request starts a session, and the others only wait for the same one. So once half
    of the places are taken, the rest is for users who have none yet: nobody's session stays
    unstarted because others send many requests.

    Args:
        most: requests that may wait at once, in all.
        most_per_game: and for one game.
        most_per_user: and of one user.
    """

    def __init__(self, most: int, most_per_game: int, most_per_user: int) -> None:
        self._most = most
        self._most_per_game = most_per_game
        self._most_per_user = most_per_user
        self._taken: Counter[str] = Counter()
        self._of_user: Counter[str] = Counter()
        self._all = 0

    @contextmanager
    def take(self, game: str, user: str) -> Iterator[None]:
        """Take a place; however the wait ends, it is free again at once.

        Raises:
            Capacity: all are taken.
        """
        own = self._of_user[user]
        if own >= self._most_per_user or self._is_full(game, 2 if own else 1):
            raise Capacity("Too many requests wait for sessions to start.", retry_after=RETRY_AFTER)
        self._change(game, user, 1)
        try:
            yield
        finally:
            self._change(game, user, -1)

    def taken(self, game: str) -> int:
        """How many wait for a game."""
        return self._taken[game]

    def _is_full(self, game: str, share: int) -> bool:
        """Whether the whole (1) or the first half (2) of the places is taken."""
        return self._all * share >= self._most or self._taken[game] * share >= self._most_per_game

    def _change(self, game: str, user: str, by: int) -> None:
        self._all += by
        self._taken[game] += by
        self._of_user[user] += by
        if not self._of_user[user]:
            del self._of_user[user]  # users come and go
        HELD_REQUESTS.labels(game).set(self._taken[game])
