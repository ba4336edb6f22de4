"""Which of several sessions of one user and game is the one."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from gamesession.plan.session import FAILED, Session


def first_of(sessions: Iterable[Session], with_pod: Collection[str]) -> Session | None:
    """The session that the others are duplicates of: the one that has a pod, then the older,
    then the one with the smaller uid; `None` if none of them lives.

    Args:
        sessions: the sessions of one user and game.
        with_pod: uids of those that own a pod.
    """
    live = (each for each in sessions if not each.deleting and each.phase != FAILED)
    return min(live, key=lambda each: _rank(each, with_pod), default=None)


def _rank(session: Session, with_pod: Collection[str]) -> tuple[bool, float, str]:
    return (session.uid not in with_pod, session.created_at.timestamp(), session.uid)
