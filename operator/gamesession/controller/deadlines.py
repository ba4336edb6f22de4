"""Which sessions are due, by Game: a heap that is cheap to keep and never the only truth.

A deadline that moves back (activity) costs nothing here: when the old one is reached, the session
is looked at and put back. Only one that moves forward is entered anew.
"""

from __future__ import annotations

import heapq
from collections import defaultdict
from collections.abc import Collection
from datetime import datetime

from gamesession.controller.shelf import Key


class Deadlines:
    """For each Game, when each of its sessions wants to be looked at."""

    def __init__(self) -> None:
        self._heaps: dict[Key, list[tuple[datetime, Key]]] = defaultdict(list)
        self._entered: dict[Key, datetime] = {}

    def enter(self, game: Key, session: Key, at: datetime) -> None:
        """Look at a session at `at`, or sooner if that was entered before."""
        known = self._entered.get(session)
        if known is None or at < known:
            self._entered[session] = at
            heapq.heappush(self._heaps[game], (at, session))

    def games(self) -> Collection[Key]:
        """The Games of which there are deadlines."""
        return list(self._heaps)

    def due(self, game: Key, now: datetime) -> list[Key]:
        """The sessions of a Game whose time has come; they are taken out."""
        heap, found = self._heaps.get(game, []), []
        while heap and heap[0][0] <= now:
            at, session = heapq.heappop(heap)
            if self._entered.get(session) == at:
                del self._entered[session]
                found.append(session)
        if not heap:
            self._heaps.pop(game, None)
        return found

    def forget(self, session: Key) -> None:
        """A session is gone."""
        self._entered.pop(session, None)
