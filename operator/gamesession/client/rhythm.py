"""How often a session's activity is written (DESIGN 4)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from gamesession.plan.deadline import idle_timeout_of
from gamesession.plan.game import Game
from gamesession.plan.session import FAILED, READY, STARTING, Session

PENDING_INTERVAL: Final = timedelta(seconds=20)
WRITES_PER_TIMEOUT: Final = 10
FRESH_PART: Final = 0.8
"""A request that finds the last stamp older than this part of the timeout writes first."""
NEAR: Final = timedelta(seconds=10)
"""A write that is under way for longer than this has failed (`kube.cluster.REQUEST_SECONDS`)."""


@dataclass(frozen=True, slots=True)
class Rhythm:
    """When to write.

    Attributes:
        last: the stamp that stands, or what counts instead; `None` if nothing stands.
        interval: the least time between two writes.
        counts: whether activity is to be written at all in the session's phase.
    """

    last: datetime | None
    interval: timedelta
    counts: bool


def rhythm_of(session: Session, game: Game | None, active_at: datetime | None) -> Rhythm:
    """The rhythm of a session as it stands.

    Nobody's idling ends a session that has never been Ready, so a start costs no writes; one that
    waits as Pending is ended when nobody waits for it any more.

    Args:
        active_at: when the stamp that stands was written, by our own clock (`plan.activity`).
    """
    if session.phase in (STARTING, READY, FAILED):
        counts = session.phase != FAILED and session.ready_at is not None
        interval = idle_timeout_of(session, game) / WRITES_PER_TIMEOUT
        return Rhythm(active_at, interval, counts)
    last = max(active_at or session.created_at, session.created_at)
    return Rhythm(last, PENDING_INTERVAL, counts=True)


def is_fresh(
    session: Session, game: Game | None, active_at: datetime | None, now: datetime
) -> bool:
    """Whether a request may be passed on before its activity is written. `active_at` as above."""
    if active_at is None or session.ready_at is None:
        return True  # unknown activity never ends a session
    return now - active_at <= idle_timeout_of(session, game) * FRESH_PART


def is_near(session: Session, game: Game | None, active_at: datetime | None, now: datetime) -> bool:
    """Whether the deadline may pass while a write is under way. `active_at` as above."""
    return active_at is not None and now - active_at > idle_timeout_of(session, game) - NEAR
