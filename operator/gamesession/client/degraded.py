"""Sessions that come from a fallback, for as long as no other can be had."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta

from gamesession.api.errors import NotFound
from gamesession.api.identity import GAME_HEADER, USER_HEADER, encoded
from gamesession.api.names import SessionId
from gamesession.client.directory import Player
from gamesession.client.managed import GameSession
from gamesession.client.services import Services, Shelf


class FallbackLife:
    """A session without a pod."""

    def __init__(
        self, player: Player, shelf: Shelf, endpoints: Mapping[str, str], at: datetime
    ) -> None:
        self._game, self._user = player
        self.shelf = shelf
        self.used_at = at
        self._endpoints = endpoints

    def endpoint(self, service: str) -> str:
        """What the fallback named for a service."""
        try:
            return self._endpoints[service]
        except KeyError as error:
            raise NotFound(
                f"A degraded session has no pod, and its fallback gave no URL for {service!r}."
            ) from error

    def identity_headers(self) -> dict[str, str]:
        """See `GameSession.identity_headers`."""
        return {USER_HEADER: encoded(self._user), GAME_HEADER: self._game}

    def touch(self) -> None:
        """See `GameSession.update_activity`."""
        self.used_at = datetime.now(UTC)

    def last_activity(self) -> datetime | None:
        """See `GameSession.last_activity`."""
        return self.used_at


class DegradedSessions:
    """One such session a user and game. All threads may use it.

    Args:
        idle_timeout: without use for this long, one ends.
    """

    def __init__(self, services: Services, idle_timeout: timedelta) -> None:
        self._services = services
        self._idle_timeout = idle_timeout
        self._lock = threading.Lock()
        self._sessions: dict[Player, tuple[GameSession, FallbackLife]] = {}

    def find(self, game: str, user: str) -> GameSession | None:
        """The one that there is; it is used by that."""
        entry = self._sessions.get((game, user))
        if entry is None:
            return None
        entry[1].touch()
        return entry[0]

    def by_id(self, id_: SessionId) -> GameSession | None:
        """The one of that id."""
        entry = self._sessions.get((id_.game, id_.user))
        return entry[0] if entry and entry[0].session_id == str(id_) else None

    def take(self, game: str, user: str, given: object) -> object:
        """The session that a fallback gave.

        Args:
            given: its services by name: URLs as `str`, other objects to be stored; `None` for
                none. Whatever else is a session of the fallback's own making.

        Returns:
            The first that was given, where several threads asked at once.
        """
        if given is not None and not isinstance(given, Mapping):
            return given
        session, life = self._made(game, user, given or {})
        with self._lock:
            first, _ = self._sessions.setdefault((game, user), (session, life))
        if first is not session:
            life.shelf.clear()
        return first

    def end(self, game: str, user: str) -> bool:
        """A session of another kind takes its place, or nobody wants it any more."""
        return self._end((game, user), lambda life: True)

    def sweep(self) -> None:
        """End those that have not been used for the timeout."""
        before = datetime.now(UTC) - self._idle_timeout
        for player in list(self._sessions):
            self._end(player, lambda life: life.used_at < before)

    def _end(self, player: Player, due: Callable[[FallbackLife], bool]) -> bool:
        with self._lock:
            entry = self._sessions.get(player)
            if entry is None or not due(entry[1]):
                return False
            del self._sessions[player]
        entry[1].shelf.clear()
        return True

    def _made(
        self, game: str, user: str, given: Mapping[str, object]
    ) -> tuple[GameSession, FallbackLife]:
        now = datetime.now(UTC)
        urls = {name: value for name, value in given.items() if isinstance(value, str)}
        shelf = self._services.shelf(str(SessionId.of(user, game, now)))
        for name, obj in given.items():
            if name not in urls:
                shelf.put(name, obj)
        life = FallbackLife((game, user), shelf, urls, now)
        created_at = now.replace(microsecond=0)
        return GameSession(user, game, created_at, shelf, life, degraded=True), life
