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

    A user's first request starts their session, the others only wait for the same one. So the last
    quarter of the places is for users who have none yet, and before that a user gets a further one
    only while more are free than they have: alone they get half of them, and of several each gets
    about as many (dynamic thresholds, as switches share their buffers: Choudhury and Hahne, 1998).

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
            Capacity: there is none for this user.
        """
        if not self._has_place(game, self._of_user[user]):
            raise Capacity("Too many requests wait for sessions to start.", retry_after=RETRY_AFTER)
        self._change(game, user, 1)
        try:
            yield
        finally:
            self._change(game, user, -1)

    def taken(self, game: str) -> int:
        """How many wait for a game."""
        return self._taken[game]

    def _has_place(self, game: str, own: int) -> bool:
        """Whether there is one for a user who has so many."""
        for most, taken in ((self._most, self._all), (self._most_per_game, self._taken[game])):
            free = most - taken
            if free < 1 or (own and (free <= own or free * 4 <= most)):
                return False
        return own < self._most_per_user

    def _change(self, game: str, user: str, by: int) -> None:
        self._all += by
        self._taken[game] += by
        self._of_user[user] += by
        if not self._of_user[user]:
            del self._of_user[user]  # users come and go
        HELD_REQUESTS.labels(game).set(self._taken[game])
