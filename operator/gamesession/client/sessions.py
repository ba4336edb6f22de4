"""Making, finding and closing sessions. The one implementation behind gateway, SDK and commands."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final

import structlog

from gamesession.api.duration import format_duration
from gamesession.api.errors import GameNotFound, GameSuspended, StartFailed, Unavailable
from gamesession.api.instant import parse_instant
from gamesession.api.labels import API_VERSION, GAME_LABEL, SESSION_LABEL
from gamesession.api.names import session_name
from gamesession.client.breaker import Breaker
from gamesession.client.call import call
from gamesession.client.directory import Directory, is_duplicate
from gamesession.client.ending import Ending
from gamesession.client.flight import Flights
from gamesession.client.limits import Limits
from gamesession.client.lookup import Lookup, unavailable
from gamesession.kube.backoff import Backoff
from gamesession.kube.cluster import Cluster, Object
from gamesession.kube.errors import ApiError, Conflict, ServerFault, Throttled, Unreachable
from gamesession.kube.resources import GAMES, SESSIONS
from gamesession.plan.game import Game
from gamesession.plan.session import FAILED, Session

REPLACED_AFTER: Final = timedelta(seconds=5)
"""A request this long after a session failed replaces it; one before is told why it failed."""

ATTEMPTS: Final = 8
DELETION_SECONDS: Final = 20.0
LONGEST_PAUSE: Final = 2.0
AWAY_RETRY: Final = (0.25, 2.0)
"""Seconds between two attempts while the API server is away: the first, and the longest."""
SETTLING_SECONDS: Final = 5.0
"""An API server that has just started forbids what it will allow when it has read its roles."""

log = structlog.get_logger(__name__)


class Sessions:
    """The sessions of one namespace, as those who use them see them.

    Args:
        component: who we are in Events, such as `gateway`.
        idle_timeout: of those that are made; `None` for their Game's.
        limits: what is asked before one is made; by default it knows `maxPending` of the Games.
        now: the time of day, UTC.
    """

    def __init__(
        self,
        cluster: Cluster,
        namespace: str,
        directory: Directory,
        *,
        component: str,
        idle_timeout: timedelta | None = None,
        limits: Limits | None = None,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._cluster = cluster
        self._namespace = namespace
        self._idle_timeout = idle_timeout
        self._directory = directory
        self._lookup = Lookup(cluster, namespace, directory)
        self._ending = Ending(cluster, namespace, directory, component)
        self._limits = limits or Limits(directory)
        self._breaker = Breaker()
        self._now = now
        self._flights: Flights[Session] = Flights()

    async def ensure(self, game: Game, user: str) -> Session:
        """The live session of a user and game; made if there is none, in whatever phase.

        However many ask at the same time, here or at other replicas, they get the same one.

        Raises:
            GameNotFound: the Game is gone.
            GameSuspended: a new one would be needed, and the Game takes none.
            StartFailed: there is one, and it failed a moment ago; or starts of the Game fail.
            Capacity: a new one would be needed, and there are too many.
            NameCollision: its name is taken by another user's session.
            Unavailable: the API server does not let it be made now.
        """
        session = self._directory.find(game.name, user)
        if session is not None and session.phase != FAILED:
            return session
        return await self._flights.join((game.name, user), lambda: self._make(game, user))

    async def ensure_in_the_end(self, game: Game, user: str) -> Session:
        """As `ensure`, but for an API server that is away, which is waited for: whoever asks limits
        the time. A Game's fallback is not kept waiting.

        Raises:
            Unavailable: there is a fallback, or the API server is there and does not let it be
                made.
        """
        backoff = Backoff(*AWAY_RETRY)
        while True:
            try:
                return await self.ensure(game, user)
            except Unavailable:
                is_settled = self._cluster.contact.seconds() > SETTLING_SECONDS
                if is_settled or game.spec.fallback is not None:
                    raise
            await asyncio.sleep(backoff.delay())

    @property
    def api_server_is_away(self) -> bool:
        """Whether it did not answer when it was last asked."""
        return self._cluster.contact.lost

    async def look(self, game: Game, user: str) -> Session | None:
        """The session of a user and game, `None` if there is none. Asks the API server if we know
        of none, for another replica may have made one just now.

        Raises:
            NameCollision, Unavailable: as for `ensure`.
        """
        session = self._directory.find(game.name, user)
        if session is None:
            await self._lookup.derived(game.name, user)
            session = self._directory.find(game.name, user)
        return session

    async def close(self, game: Game, user: str) -> bool:
        """End the sessions of a user and game.

        Returns:
            Whether there was one to end.

        Raises:
            NameCollision, Unavailable: as for `ensure`.
        """
        await self._lookup.derived(game.name, user)
        sessions = [each for each in self._directory.all_of(game.name, user) if not each.deleting]
        return any([await self._ending.close(session) for session in sessions])

    async def refresh(self, session: Session) -> None:
        """Read a session and its pod anew, where what we know of them turned out to be wrong."""
        await self._lookup.refresh(session)

    # Making -------------------------------------------------------------------------------------

    async def _make(self, game: Game, user: str) -> Session:
        backoff = Backoff(0.1, 1.0)
        for _ in range(ATTEMPTS):
            session = self._directory.find(game.name, user)
            if session is not None and session.phase != FAILED:
                return session
            if session is not None:
                self._tell_why(session)
            game = self._present(game)
            if game.suspended:
                raise GameSuspended(f"Game {game.name} takes no new sessions at the moment.")
            try:
                with self._limits.place(game, user), self._breaker.turn(game):
                    if session is not None:
                        await self._replace(session)
                    await self._create(game, user)
            except (Throttled, ServerFault) as error:
                log.warning("session not created", user=user, game=game.name, error=str(error))
                await asyncio.sleep(
                    min(max(backoff.delay(), error.retry_after or 0), LONGEST_PAUSE)
                )
            except (Conflict, Unreachable) as error:
                await self._settle(game, user, error)
        raise Unavailable("The session cannot be created at the moment.")

    def _present(self, game: Game) -> Game:
        """The Game as it is now: whoever waits may have come when it was another one, and a
        session that belongs to a Game that is gone would be collected at once."""
        present = self._directory.games.get(game.name)
        if present is None or present.deleting:
            raise GameNotFound("There is no such game.")
        return present

    async def _create(self, game: Game, user: str) -> None:
        name = session_name(game.name, user)
        body = _body(game, user, name, self._namespace)
        if self._idle_timeout is not None:
            body["spec"]["idleTimeout"] = format_duration(self._idle_timeout)
        try:
            async with call(self._cluster):
                made = await self._cluster.create(SESSIONS, self._namespace, body)
        except TimeoutError as error:
            raise Unreachable(f"no answer to the creation of {name}") from error
        except (Conflict, Throttled, ServerFault):
            raise
        except ApiError as error:
            raise unavailable(error) from error
        log.info("session created", user=user, game=game.name, session=name)
        self._directory.sessions.offer(made)

    async def _settle(self, game: Game, user: str, error: Conflict | Unreachable) -> None:
        """It is there already, or may be, for all that a lost answer says: look."""
        found = await self._lookup.derived(game.name, user)
        if found is None:
            if isinstance(error, Unreachable) and self._cluster.contact.lost:
                raise unavailable(error) from error
        elif found.deleting:
            await self._wait_until_gone(found)
        elif found.phase == FAILED:  # be it as a duplicate: its name is needed
            if not is_duplicate(found):
                self._tell_why(found)
            await self._replace(found)

    async def _wait_until_gone(self, session: Session) -> None:
        known = self._directory.sessions.get(session.name)
        if known is None or known.uid != session.uid:
            return  # the watch has seen the end of it
        try:
            async with asyncio.timeout(DELETION_SECONDS):
                await self._directory.changed(session.game, session.user)
        except TimeoutError as error:
            raise Unavailable("The session before is still being deleted.") from error

    # Failures -----------------------------------------------------------------------------------

    def _tell_why(self, session: Session) -> None:
        """Raise `StartFailed` with the session's own reason if it failed a moment ago."""
        if self._now() - _failed_at(session) < REPLACED_AFTER:
            raise StartFailed(_why(session))

    async def _replace(self, session: Session) -> None:
        """Delete a session that failed."""
        try:
            await self._ending.replace(session, _why(session))
        except Unavailable as error:
            raise StartFailed(_why(session)) from error


def _body(game: Game, user: str, name: str, namespace: str) -> Object:
    owner = {
        "apiVersion": API_VERSION,
        "kind": GAMES.kind,
        "name": game.name,
        "uid": game.uid,
    }
    return {
        "apiVersion": API_VERSION,
        "kind": SESSIONS.kind,
        "metadata": {
            "name": name,
            "namespace": namespace,
            "labels": {GAME_LABEL: game.name, SESSION_LABEL: name},
            # No controller and no blockOwnerDeletion: a Game's deletion waits for nobody.
            "ownerReferences": [owner],
        },
        "spec": {"user": user, "game": game.name},
    }


def _failed_at(session: Session) -> datetime:
    changed = session.condition.get("lastTransitionTime")
    return session.failed_at or (parse_instant(changed) if changed else session.created_at)


def _why(session: Session) -> str:
    """Why it failed, in the words of its status."""
    return str(session.condition.get("message") or "The session could not be started.")
