"""Whether a Game's sessions start: its condition Ready, as the last start that ended shows."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from gamesession.plan.game import Game
from gamesession.plan.pod import Pod
from gamesession.plan.pool import Failure
from gamesession.plan.session import FAILED, Session

NOT_STARTED: Final = frozenset({"Duplicate", "IdleTimeoutOutOfBounds", "GameNotAccepted"})
"""Reasons for which sessions fail that say nothing about whether the Game's pods start."""


@dataclass(frozen=True, slots=True)
class Starts:
    """The condition Ready of a Game.

    Attributes:
        status: `True`, `False`, or `Unknown` before any start of this generation has ended.
        reason: one CamelCase word.
        message: a sentence for a person who can change the Game.
    """

    status: str
    reason: str
    message: str


SUCCEEDING: Final = Starts("True", "StartsSucceed", "The last session that was started is Ready.")
WARM: Final = Starts("True", "StartsSucceed", "The last pod that was started ahead is ready.")
NOT_TRIED: Final = Starts("Unknown", "NotTried", "No session has been started yet.")


def starts_of(
    game: Game,
    sessions: Iterable[Session],
    waiting: Iterable[Pod] = (),
    failure: Failure | None = None,
) -> Starts:
    """Whether starts succeed.

    Args:
        waiting: the Game's pods that wait for a user.
        failure: what keeps them from it.

    A failed session is gone after two minutes, and its user's next request replaces it sooner: what
    it showed stays until another start shows otherwise, or the Game is edited.
    """
    ended = [found for session in sessions if (found := _last_end(session))]
    ended += [(pod.ready_changed_at, WARM) for pod in waiting if pod.ready and pod.ready_changed_at]
    if failure:
        words = f"The last pod that was started ahead failed, {failure.reason}: {failure.message}"
        ended.append((failure.at, Starts("False", "StartsFailing", words)))
    if ended:
        return max(ended, key=lambda each: each[0])[1]
    return _standing(game) or NOT_TRIED


def _last_end(session: Session) -> tuple[datetime, Starts] | None:
    """When the session's last start ended, and how."""
    if session.phase == FAILED:
        reason = session.condition.get("reason", "")
        if session.failed_at is None or reason in NOT_STARTED:
            return None
        words = f"The last start failed, {reason}: {session.condition.get('message', '')}"
        return session.failed_at, Starts("False", "StartsFailing", words)
    return (session.ready_at, SUCCEEDING) if session.ready_at else None


def _standing(game: Game) -> Starts | None:
    for each in game.status.get("conditions", []):
        if each["type"] == "Ready" and each.get("observedGeneration") == game.generation:
            return Starts(each["status"], each["reason"], each["message"])
    return None
