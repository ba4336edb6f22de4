"""Starts that failed in a row, also when their sessions are gone: a user's next request replaces a
session that failed, and the third failure is to be known as the third."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from gamesession.plan.game import Game
from gamesession.plan.pod import Pod
from gamesession.plan.session import Session
from gamesession.plan.starts import IN_A_ROW, End, ends_of, failures_since


@dataclass(slots=True)
class Streak:
    """What is remembered of one Game.

    Attributes:
        generation: what it is about; an edit may have mended the Game.
        failures: those in a row, by the uid of what failed.
        before: uids of what failed before that generation.
    """

    generation: int
    failures: dict[str, End] = field(default_factory=dict)
    before: frozenset[str] = frozenset()


class Streaks:
    """Remembers failures of all Games. A new process knows those that objects still show, and what
    the Games' conditions say."""

    def __init__(self) -> None:
        self._known: dict[str, Streak] = {}

    def ends(self, game: Game, sessions: Iterable[Session], waiting: Iterable[Pod]) -> list[End]:
        """How starts of a Game ended, as far as it matters for its condition Ready."""
        seen = ends_of(sessions, waiting)
        streak = self._of(game)
        streak.before &= {end.of for end in seen}
        good = max((end for end in seen if not end.problem), key=lambda end: end.at, default=None)
        failed = streak.failures | {
            end.of: end for end in seen if end.problem and end.of not in streak.before
        }
        newest = sorted(failures_since(good, failed.values()), key=lambda end: end.at)[-IN_A_ROW:]
        streak.failures = {end.of: end for end in newest}
        return [*newest, *([good] if good else [])]

    def keep(self, uids: Iterable[str]) -> None:
        """Forget the Games that are not among those."""
        for uid in self._known.keys() - set(uids):
            del self._known[uid]

    def _of(self, game: Game) -> Streak:
        known = self._known.get(game.uid)
        if known is None or known.generation != game.generation:
            before = frozenset(known.failures) | known.before if known else frozenset()
            known = self._known[game.uid] = Streak(game.generation, before=before)
        return known
