"""How many sessions may be made: asked before one is written down.

What stands is what the informer shows, and what this process is making at the moment. Several
gateways do not count together: each may go past a limit by what the others make in the moment until
its watch tells, and each gives a user the whole rate of creations.
"""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from gamesession.api.errors import Capacity
from gamesession.client.directory import Directory
from gamesession.client.rate import Rate
from gamesession.plan.game import Game
from gamesession.plan.session import FAILED, PENDING, Session

RETRY_AFTER: Final = 5


class Limits:
    """Holds creations to `limits.maxPending` of the Game, and users to what they may have.

    Args:
        sessions_per_user: live sessions that a user may have, over all Games; `None` for any.
        creations_per_user: sessions of a user that may be made in a minute; `None` for any.
        clock: seconds that only move forward.
    """

    def __init__(
        self,
        directory: Directory,
        *,
        sessions_per_user: int | None = None,
        creations_per_user: int | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._sessions_per_user = sessions_per_user
        self._rate = Rate(creations_per_user, clock) if creations_per_user is not None else None
        self._pending: Counter[str] = Counter()
        self._live: Counter[str] = Counter()
        directory.sessions.subscribe(self._session_changed)

    @contextmanager
    def place(self, game: Game, user: str) -> Iterator[None]:
        """A place for the session that is created within. A creation that fails costs no token of
        the user's rate.

        Raises:
            Capacity: there is none.
        """
        self._check(game, user)
        self._count(game.name, user, 1)
        if self._rate is not None:
            self._rate.take(user)
        try:
            yield
        except BaseException:
            if self._rate is not None:
                self._rate.give_back(user)
            raise
        finally:
            self._count(game.name, user, -1)

    def _check(self, game: Game, user: str) -> None:
        if self._pending[game.name] >= game.spec.limits.max_pending:
            raise Capacity(
                f"Too many sessions of {game.name} wait for a pod already.",
                retry_after=RETRY_AFTER,
            )
        if self._sessions_per_user is not None and self._live[user] >= self._sessions_per_user:
            raise Capacity(
                f"You have {self._live[user]} sessions already, which is as many as one user may "
                "have: close one, or wait until one ends.",
                retry_after=RETRY_AFTER,
            )
        if self._rate is not None and (seconds := self._rate.wait(user)):
            raise Capacity(
                "You have started too many sessions in the last minute.",
                retry_after=math.ceil(seconds),
            )

    # Counting -----------------------------------------------------------------------------------

    def _session_changed(self, old: Session | None, new: Session | None) -> None:
        for session, by in ((old, -1), (new, 1)):
            if session is None or session.deleting or session.phase == FAILED:
                continue
            _add(self._live, session.user, by)
            if session.phase in ("", PENDING):
                _add(self._pending, session.game, by)

    def _count(self, game: str, user: str, by: int) -> None:
        """One that is being made counts like one that waits."""
        _add(self._pending, game, by)
        _add(self._live, user, by)


def _add(counter: Counter[str], key: str, by: int) -> None:
    counter[key] += by
    if not counter[key]:
        del counter[key]  # users come and go
