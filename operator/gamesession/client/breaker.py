"""A circuit breaker for each Game: while its starts fail, few sessions of it are made.

The operator opens and closes it, by the Game's condition Ready (`gamesession.plan.starts`). What
runs is left alone.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from gamesession.api.errors import StartFailed
from gamesession.plan.game import Game
from gamesession.plan.starts import failing

PAUSE: Final = 10.0
"""Seconds between two sessions that show whether starts succeed again (contract, issue 5)."""


class Breaker:
    """Gives turns to make a session.

    Args:
        clock: seconds that only move forward.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._turns: dict[str, float] = {}

    @contextmanager
    def turn(self, game: Game) -> Iterator[None]:
        """A turn for the session that is created within. A creation that fails costs none.

        Raises:
            StartFailed: starts fail, and somebody else has the turn; with the operator's words.
        """
        now, last = self._clock(), self._turns.get(game.uid)
        problem = failing(game)
        if problem is None:
            self._turns.pop(game.uid, None)
            yield
            return
        if last is not None and now - last < PAUSE:
            raise StartFailed(problem)
        self._turns[game.uid] = now
        try:
            yield
        except BaseException:
            if self._turns.get(game.uid) == now:
                del self._turns[game.uid]
            raise
