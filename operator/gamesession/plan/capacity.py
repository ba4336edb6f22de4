"""`maxSessions`: who may have a pod, in order of creation."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from gamesession.plan.session import FAILED, Session


def next_in_turn(
    sessions: Iterable[Session], occupied: Collection[str], limit: int | None
) -> list[Session]:
    """The sessions that may have a pod now and have none, first come first served.

    Args:
        sessions: all sessions of one Game.
        occupied: uids of the sessions that own a pod, or for which one is being made.
        limit: the Game's `maxSessions`.
    """
    waiting = sorted(
        (
            session
            for session in sessions
            if not session.deleting and session.phase != FAILED and session.uid not in occupied
        ),
        key=lambda session: (session.created_at, session.order),
    )
    return waiting if limit is None else waiting[: max(0, limit - len(occupied))]
