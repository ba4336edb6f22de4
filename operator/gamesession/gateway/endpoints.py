"""What the gateway answers itself below `/api/{route}/session`."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

from gamesession.api.instant import format_instant
from gamesession.api.names import SessionId
from gamesession.client.activity import Activity
from gamesession.client.sessions import Sessions
from gamesession.gateway.routes import EndpointRoute
from gamesession.plan.deadline import deadline_of
from gamesession.plan.game import Game
from gamesession.plan.session import PENDING, READY, Session

Answer = tuple[int, dict[str, Any]]
"""HTTP status and body."""


class Endpoints:
    """`status`, `close` and `open`."""

    def __init__(self, sessions: Sessions, activity: Activity) -> None:
        self._sessions = sessions
        self._activity = activity

    async def answer(self, route: EndpointRoute, user: str) -> Answer:
        """The answer to a request.

        Raises:
            GameSessionError: as `Sessions` does.
        """
        match route.endpoint:
            case "status":
                return await self._status(route.game, user)
            case "close":
                return await self._close(route.game, user)
            case _:
                return await self._open(route.game, user)

    async def _status(self, game: Game, user: str) -> Answer:
        session = await self._sessions.look(game, user)
        if session is not None and session.phase in ("", PENDING):
            self._activity.touch(session)  # who asks waits for it: it is not abandoned
        return 200, self.describe(session, game)

    async def _close(self, game: Game, user: str) -> Answer:
        closed = await self._sessions.close(game, user)
        return 200, {"success": True, "closed": closed}

    async def _open(self, game: Game, user: str) -> Answer:
        session = await self._sessions.ensure(game, user)
        self._activity.touch(session)
        return 200 if session.phase == READY else 202, self.describe(session, game)

    def describe(self, session: Session | None, game: Game) -> dict[str, Any]:
        """The status body of a session, or of none."""
        if session is None:
            return NO_SESSION
        active_at = self._activity.last(session)
        end = deadline_of(replace(session, active_at=active_at), game)
        return {
            "success": True,
            "has_session": True,
            "session_id": str(SessionId.of(session.user, session.game, session.created_at)),
            "phase": session.phase or PENDING,
            "created_at": format_instant(session.created_at),
            "last_activity": _written(active_at),
            "expires_at": _written(end.at if end else None),
            "services": [service.name for service in game.spec.services],
            "user_id": session.user,
        }


NO_SESSION: dict[str, Any] = {
    "success": True,
    "has_session": False,
    "session_id": None,
    "phase": None,
    "created_at": None,
    "last_activity": None,
    "expires_at": None,
    "services": [],
    "user_id": None,
}


def _written(instant: datetime | None) -> str | None:
    return format_instant(instant) if instant else None
