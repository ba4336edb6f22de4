"""Waiting for a session: who does uses it, so that it is not taken for abandoned."""

from __future__ import annotations

from typing import Self

from gamesession.client.activity import Activity
from gamesession.client.use import Use
from gamesession.plan.session import Session


class Attendance:
    """The use of the session that is waited for: of one at a time, and of none after the end."""

    def __init__(self, activity: Activity) -> None:
        self._activity = activity
        self._use: Use | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.leave()

    def attend(self, session: Session) -> Use:
        """It is this session that is waited for now; the one before may have ended."""
        if self._use is None or self._use.uid != session.uid:
            self.leave()
            self._use = self._activity.begin(session)
        return self._use

    def leave(self) -> None:
        """No session is waited for at the moment."""
        if self._use is not None:
            self._activity.end(self._use)
            self._use = None
