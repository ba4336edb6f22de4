"""When a session ends, and why."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from typing import Final

from gamesession.api.duration import format_duration
from gamesession.plan.game import DEFAULT_IDLE_TIMEOUT, Game
from gamesession.plan.session import FAILED, READY, STARTING, Session

FAILED_FOR: Final = timedelta(minutes=2)
ABANDONED_AFTER: Final = timedelta(seconds=60)
MAX_GRACE: Final = timedelta(seconds=60)


class Reason(Enum):
    """Why a session ends; the reason of the Event that says so."""

    IDLE_TIMEOUT = "IdleTimeout"
    MAX_LIFETIME = "MaxLifetime"
    ABANDONED = "Abandoned"
    FAILED = "Failed"

    @property
    def follows_activity(self) -> bool:
        """Whether activity that we have not heard of yet would put it off."""
        return self in (Reason.IDLE_TIMEOUT, Reason.ABANDONED)


@dataclass(frozen=True, slots=True)
class Deadline:
    """The moment at which a session ends if nothing happens before."""

    at: datetime
    reason: Reason
    message: str


def idle_timeout_of(session: Session, game: Game | None) -> timedelta:
    """The session's own timeout, else its Game's, else the default of all Games."""
    if session.idle_timeout is not None:
        return session.idle_timeout
    return game.idle_timeout if game else DEFAULT_IDLE_TIMEOUT


def deadline_of(session: Session, game: Game | None) -> Deadline | None:
    """When the session ends and why; `None` if nothing ends it as things stand.

    Unknown activity never ends a session, and a first start is ended by its own timeout only.
    """
    if session.deleting:
        return None
    if session.phase == FAILED:
        at = (session.failed_at or session.created_at) + FAILED_FOR
        return Deadline(at, Reason.FAILED, f"Failed {format_duration(FAILED_FOR)} ago.")
    runs = session.phase in (STARTING, READY)
    unused = _idle_end(session, game) if runs else _abandoned(session, game)
    ends = [end for end in (unused, _life_end(session, game)) if end]
    return min(ends, key=lambda end: end.at, default=None)


def grace(session: Session, game: Game | None) -> timedelta:
    """How long contact with the API server must have stood before activity that is not there
    counts as none: gateways write what they kept first (DESIGN 4)."""
    return min(MAX_GRACE, idle_timeout_of(session, game))


def _idle_end(session: Session, game: Game | None) -> Deadline | None:
    last_sign = session.active_at if session.ready_at else None
    if game is None and session.ready_at is None:
        # A start whose Game is gone: no timeout of the Game's ends it, and nobody goes on with it.
        last_sign = session.active_at or session.created_at
    if last_sign is None:
        return None
    timeout = idle_timeout_of(session, game)
    return Deadline(
        last_sign + timeout,
        Reason.IDLE_TIMEOUT,
        f"No activity for {format_duration(timeout)}.",
    )


def _life_end(session: Session, game: Game | None) -> Deadline | None:
    if session.started_at is None or game is None or game.max_lifetime is None:
        return None
    return Deadline(
        session.started_at + game.max_lifetime,
        Reason.MAX_LIFETIME,
        f"Started {format_duration(game.max_lifetime)} ago, the longest a session may live.",
    )


def _abandoned(session: Session, game: Game | None) -> Deadline:
    patience = ABANDONED_AFTER if session.has_derived_name else idle_timeout_of(session, game)
    last_sign = max(session.created_at, session.active_at or session.created_at)
    return Deadline(
        last_sign + patience,
        Reason.ABANDONED,
        f"Pending, and nobody has waited for it for {format_duration(patience)}.",
    )
