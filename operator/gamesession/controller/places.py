"""Who has a place in a Game's `maxSessions`, and who waits for one.

Kept up as things happen: a look at one session must not cost more because there are many.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Set as AbstractSet

from gamesession.controller.shelf import Key
from gamesession.plan.session import FAILED, Session


class Places:
    """Uids of sessions, by the key of their Game."""

    def __init__(self) -> None:
        self._expected: dict[str, Key] = {}
        self._occupied: dict[Key, set[str]] = defaultdict(set)
        self._waiting: dict[Key, set[str]] = defaultdict(set)

    @property
    def expected(self) -> AbstractSet[str]:
        """The sessions for which a pod is being made or claimed."""
        return self._expected.keys()

    def expect(self, uid: str, game: Key) -> None:
        """A pod is about to be made or claimed for a session; `file` it then."""
        self._expected[uid] = game

    def release(self, uid: str) -> Key | None:
        """No pod is being made; returns the Game's key if one was, to `file` it then."""
        return self._expected.pop(uid, None)

    def occupied(self, game: Key) -> AbstractSet[str]:
        """The sessions that own a pod, or for which one is being made, the failed ones apart."""
        return self._occupied.get(game, frozenset())

    def waiting(self, game: Key) -> AbstractSet[str]:
        """The sessions that have no place and neither failed nor leave."""
        return self._waiting.get(game, frozenset())

    def file(self, uid: str, game: Key, session: Session | None, *, has_pod: bool) -> None:
        """Take note of what became of a session.

        Args:
            session: `None` if it is gone, or has not been seen yet.
            has_pod: whether it owns one that nobody has deleted.
        """
        failed = session is not None and session.phase == FAILED
        has_place = has_pod or uid in self._expected
        may_wait = session is not None and not failed and not session.deleting
        _keep(self._occupied, game, uid, there=has_place and not failed)
        _keep(self._waiting, game, uid, there=may_wait and not has_place)


def _keep(by_game: dict[Key, set[str]], game: Key, uid: str, *, there: bool) -> None:
    if there:
        by_game[game].add(uid)
    elif game in by_game:
        by_game[game].discard(uid)
        if not by_game[game]:
            del by_game[game]
