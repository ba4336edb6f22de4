"""Waiting until a session is Ready."""

from __future__ import annotations

import asyncio

from gamesession.api.errors import SessionStarting
from gamesession.client.activity import Activity
from gamesession.client.attendance import Attendance
from gamesession.client.directory import Directory
from gamesession.client.sessions import Sessions
from gamesession.client.use import Use
from gamesession.plan.game import Game
from gamesession.plan.session import READY, Session

RETRY_AFTER = 2


class Starting:
    """Has sessions, for those who talk to the pod themselves.

    Args:
        hold: seconds that a session may take to be Ready.
    """

    def __init__(
        self, sessions: Sessions, directory: Directory, activity: Activity, *, hold: float
    ) -> None:
        self._sessions = sessions
        self._directory = directory
        self._activity = activity
        self._hold = hold

    async def until_ready(self, game: Game, user: str) -> Session:
        """The user's session once it is Ready; it is made if there is none. Counts as activity.

        Raises:
            SessionStarting: not within the hold; it goes on starting.
            GameNotFound, GameSuspended, Capacity, StartFailed, NameCollision, Unavailable: as
                `Sessions.ensure`.
        """
        try:
            with Attendance(self._activity) as attendance:
                async with asyncio.timeout(self._hold):
                    while True:
                        session = await self._sessions.ensure(game, user)
                        if await self._serves(session, attendance.attend(session)):
                            return session
        except TimeoutError as error:
            raise SessionStarting(
                "The session is starting; try again.", retry_after=RETRY_AFTER
            ) from error

    async def _serves(self, session: Session, use: Use) -> bool:
        """Whether the session is Ready and will stay; `False` once there is something new."""
        if session.phase == READY and self._directory.pod_of(session) is not None:
            # One that may be about to end is not handed out before its activity is written.
            if self._activity.is_fresh(session):
                return True
            alive = await self._activity.renew(use)
            now = self._directory.find(session.game, session.user)
            return alive and now is not None and now.uid == session.uid
        # Who shared its making hears of a session late; what came since wakes nobody.
        if session is self._directory.find(session.game, session.user):
            await self._directory.changed(session.game, session.user)
        return False
