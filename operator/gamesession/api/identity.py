"""Whom a pod serves, as every request to it says: in headers that nobody but us may set."""

from __future__ import annotations

from datetime import datetime
from typing import Final
from urllib.parse import quote

from gamesession.api.names import SessionId

USER_HEADER: Final = "X-Game-User"
SESSION_HEADER: Final = "X-Game-Session"
GAME_HEADER: Final = "X-Game-Id"
POD_HEADER: Final = "X-Game-Pod"
REQUEST_ID_HEADER: Final = "X-Request-Id"


def identity_headers(user: str, game: str, created_at: datetime, pod_uid: str) -> dict[str, str]:
    """The headers that tell a pod whom it serves; user and session id percent-encoded UTF-8.

    Args:
        created_at: when the session was created.
        pod_uid: of the pod that the request is meant for.
    """
    return {
        USER_HEADER: encoded(user),
        SESSION_HEADER: encoded(str(SessionId.of(user, game, created_at))),
        GAME_HEADER: game,
        POD_HEADER: pod_uid,
    }


def encoded(value: str) -> str:
    """A value as identity headers bear it: percent-encoded UTF-8."""
    return quote(value, safe="")
