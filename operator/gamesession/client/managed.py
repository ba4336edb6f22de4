"""The session as a back end holds it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Protocol

from gamesession.api.names import SessionId
from gamesession.client.services import Shelf


class Life(Protocol):
    """What stands behind a session: its pod, or a fallback."""

    def endpoint(self, service: str) -> str:
        """Where a service is."""

    def identity_headers(self) -> dict[str, str]:
        """Whom requests to it are for."""

    def touch(self) -> None:
        """Take note that the session is used now."""

    def last_activity(self) -> datetime | None:
        """When it was used last."""


class GameSession:
    """One life of one user's session of one game. Managers make it; all threads may use it.

    Attributes:
        session_id: `<user>_<game>_<creation time, Unix seconds>`.
        user_id: the user.
        game_id: name of the Game.
        created_at: UTC, to the second.
        degraded: it comes from the manager's fallback, and has no pod.
    """

    def __init__(
        self,
        user_id: str,
        game_id: str,
        created_at: datetime,
        shelf: Shelf,
        life: Life,
        *,
        degraded: bool = False,
    ) -> None:
        self.session_id = str(SessionId.of(user_id, game_id, created_at))
        self.user_id = user_id
        self.game_id = game_id
        self.created_at = created_at
        self.degraded = degraded
        self._shelf = shelf
        self._life = life

    def __repr__(self) -> str:
        return f"<GameSession {self.session_id}{' degraded' if self.degraded else ''}>"

    @property
    def services(self) -> Mapping[str, object]:
        """The objects that are stored now, by name; a copy that cannot be changed."""
        return self._shelf.view()

    @property
    def last_activity(self) -> datetime | None:
        """When it was used last, UTC; `None` if nothing is known of that."""
        return self._life.last_activity()

    def get_service(self, name: str) -> object | None:
        """What `set_service` stored under this name in this process, else `None`."""
        return self._shelf.get(name)

    def set_service(self, name: str, obj: object) -> None:
        """Store an object for as long as the session lives.

        When the session ends, for whatever reason, the manager closes, or another object takes
        its place, its `cleanup()` is called, or if it has none its `stop()`: once, in a thread of
        its own, or if it is a coroutine function of an `AsyncGameSessionManager`'s user, on the
        event loop. `None` takes away what is stored.

        Raises:
            SessionEnded: the session is over. The object has been cleaned up.
        """
        self._shelf.put(name, obj)

    def endpoint(self, name: str) -> str:
        """The URL of a service in the session's pod, such as `http://10.0.0.7:8001`.

        It changes when the pod is replaced: ask anew for each request.

        Raises:
            NotFound: the game has no such service, or the session has ended.
            SessionStarting: it has no pod at the moment.
            StartFailed: it failed.
        """
        return self._life.endpoint(name)

    def identity_headers(self) -> dict[str, str]:
        """The headers that tell the pod whom a request is for, as the gateway sets them: to be
        sent with each request, and those that came from elsewhere removed. A degraded session has
        `X-Game-User` and `X-Game-Id` only.

        They name the pod, and change when it is replaced: ask anew for each request.

        Raises:
            NotFound, SessionStarting, StartFailed: as `endpoint`.
        """
        return self._life.identity_headers()

    def update_activity(self) -> None:
        """Say that the session is used: its idle timeout begins anew. Returns at once; at most
        every tenth of the timeout it is written down."""
        self._life.touch()
