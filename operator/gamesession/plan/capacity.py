"""Who may have a pod, in order of creation: `maxSessions`, and what a quota leaves."""

from __future__ import annotations

import heapq
from collections.abc import Iterable
from datetime import datetime

from gamesession.plan.phase import REFUSED
from gamesession.plan.session import PENDING, Session


def next_in_turn(waiting: Iterable[Session], occupied: int, limit: int | None) -> list[Session]:
    """The sessions that may have a pod now, first come first served.

    Args:
        waiting: the sessions of one Game that have no pod and may have one.
        occupied: how many have one, or are about to.
        limit: the Game's `maxSessions`.
    """
    if limit is None:
        return sorted(waiting, key=age)
    return heapq.nsmallest(max(0, limit - occupied), waiting, key=age)


def refused(waiting: Iterable[Session]) -> list[Session]:
    """Those whose pod the API server would not have (a quota, a webhook), in order."""
    return sorted(
        (
            session
            for session in waiting
            if session.phase == PENDING and session.condition.get("reason") in REFUSED
        ),
        key=age,
    )


def age(session: Session) -> tuple[datetime, int]:
    """By it sessions are in order of creation; of one second, in the order they were seen."""
    return session.created_at, session.order
