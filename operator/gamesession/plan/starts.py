"""Whether a Game's sessions start: its condition Ready, as the starts that ended show.

Gateways read it as a circuit breaker: while it is False they make few sessions (contract, 1).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from gamesession.api.instant import parse_instant
from gamesession.plan.game import Game
from gamesession.plan.pod import Pod
from gamesession.plan.pool import Failure
from gamesession.plan.session import FAILED, Session

IN_A_ROW: Final = 3
"""Starts that must fail without one that succeeds in between before it is False."""

NOT_STARTED: Final = frozenset({"Duplicate", "IdleTimeoutOutOfBounds", "GameNotAccepted"})
"""Reasons for which sessions fail that say nothing about whether the Game's pods start."""


@dataclass(frozen=True, slots=True)
class Starts:
    """The condition Ready of a Game.

    Attributes:
        status: `True`, `False`, or `Unknown` before any start of this generation has succeeded.
        reason: one CamelCase word.
        message: a sentence for a person who can change the Game.
    """

    status: str
    reason: str
    message: str


@dataclass(frozen=True, slots=True)
class End:
    """How one start ended.

    Attributes:
        of: uid of the session, or of the pod that was started ahead.
        problem: why it failed; `""` if it succeeded.
    """

    of: str
    at: datetime
    problem: str = ""
    warm: bool = False


SUCCEEDING: Final = Starts("True", "StartsSucceed", "The last session that was started is Ready.")
WARM: Final = Starts("True", "StartsSucceed", "The last pod that was started ahead is ready.")
NOT_TRIED: Final = Starts("Unknown", "NotTried", "No session has been started yet.")


def ends_of(sessions: Iterable[Session], waiting: Iterable[Pod] = ()) -> list[End]:
    """The starts that have ended, as far as objects show them.

    Args:
        waiting: the Game's pods that wait for a user.
    """
    ended = [found for session in sessions if (found := _end(session))]
    return ended + [
        End(pod.uid, pod.ready_changed_at, warm=True)
        for pod in waiting
        if pod.ready and pod.ready_changed_at
    ]


def starts_of(game: Game, ends: Collection[End], failure: Failure | None = None) -> Starts:
    """Whether starts succeed.

    Args:
        ends: how starts ended, those that nothing shows any more among them.
        failure: what keeps pods from being started ahead; those in a row are counted there.

    What was said stays until another start shows otherwise, or the Game is edited.
    """
    good = max((end for end in ends if not end.problem), key=lambda end: end.at, default=None)
    bad = sorted(failures_since(good, ends), key=lambda end: end.at)
    count = len(bad)
    if failure and (good is None or failure.at > good.at):
        count += failure.count
        words = f"The last pod that was started ahead failed, {failure.reason}: {failure.message}"
        bad = sorted([*bad, End("", failure.at, words)], key=lambda end: end.at)
    said, since = _said(game)
    stays = said.status == "False" and not (good and since and good.at > since)
    if not bad:
        return said if stays or good is None else (WARM if good.warm else SUCCEEDING)
    if stays or count >= IN_A_ROW:
        return Starts("False", "StartsFailing", bad[-1].problem)
    status = "True" if good or said.status == "True" else "Unknown"
    return Starts(status, "LastStartFailed", bad[-1].problem)


def failing(game: Game) -> str | None:
    """Why starts of a Game fail, in the operator's words; `None` while it does not say so."""
    said, _ = _said(game)
    return said.message if said.status == "False" else None


def failures_since(good: End | None, ends: Iterable[End]) -> list[End]:
    """The starts that failed after one that did not."""
    return [end for end in ends if end.problem and (good is None or end.at > good.at)]


def _end(session: Session) -> End | None:
    """When the session's last start ended, and how."""
    if session.phase == FAILED:
        reason = session.condition.get("reason", "")
        if session.failed_at is None or reason in NOT_STARTED:
            return None
        words = f"The last start failed, {reason}: {session.condition.get('message', '')}"
        return End(session.uid, session.failed_at, words)
    return End(session.uid, session.ready_at) if session.ready_at else None


def _said(game: Game) -> tuple[Starts, datetime | None]:
    """What the condition says of this generation, and since when."""
    for each in game.status.get("conditions", []):
        if each["type"] == "Ready" and each.get("observedGeneration") == game.generation:
            return Starts(each["status"], each["reason"], each["message"]), _since(each)
    return NOT_TRIED, None


def _since(condition: dict[str, Any]) -> datetime | None:
    written = condition.get("lastTransitionTime")
    return parse_instant(written) if written else None
