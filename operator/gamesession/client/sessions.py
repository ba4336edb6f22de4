"""Making, finding and closing sessions. The one implementation behind gateway, SDK and commands."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import structlog

from gamesession.api.errors import (
    GameNotFound,
    GameSuspended,
    NameCollision,
    StartFailed,
    Unavailable,
)
from gamesession.api.instant import parse_instant
from gamesession.api.labels import API_VERSION, GAME_LABEL, GROUP, SESSION_LABEL
from gamesession.api.names import session_name
from gamesession.client.directory import Directory
from gamesession.client.flight import Flights
from gamesession.kube.backoff import Backoff
from gamesession.kube.cluster import Cluster, Object
from gamesession.kube.errors import (
    ApiError,
    Conflict,
    Gone,
    ServerFault,
    Throttled,
    Unreachable,
)
from gamesession.kube.events import post_event
from gamesession.kube.informer import Informer
from gamesession.kube.resources import GAMES, SESSIONS
from gamesession.plan.game import Game
from gamesession.plan.session import FAILED, Session

REPLACED_AFTER: Final = timedelta(seconds=5)
"""A request this long after a session failed replaces it; one before is told why it failed."""

CALL_SECONDS: Final = 5.0
ATTEMPTS: Final = 8
DELETION_SECONDS: Final = 20.0

log = structlog.get_logger(__name__)


class Sessions:
    """The sessions of one namespace, as those who use them see them.

    Args:
        component: who we are in Events, such as `gateway`.
        now: the time of day, UTC.
    """

    def __init__(
        self,
        cluster: Cluster,
        namespace: str,
        directory: Directory,
        *,
        component: str,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._cluster = cluster
        self._namespace = namespace
        self._directory = directory
        self._controller = f"{GROUP}/{component}"
        self._now = now
        self._flights: Flights[Session] = Flights()

    async def ensure(self, game: Game, user: str) -> Session:
        """The live session of a user and game; made if there is none, in whatever phase.

        However many ask at the same time, here or at other replicas, they get the same one.

        Raises:
            GameNotFound: the Game is gone.
            GameSuspended: a new one would be needed, and the Game takes none.
            StartFailed: there is one, and it failed a moment ago.
            NameCollision: its name is taken by another user's session.
            Unavailable: the API server does not let it be made now.
        """
        session = self._directory.find(game.name, user)
        if session is not None and session.phase != FAILED:
            return session
        return await self._flights.join((game.name, user), lambda: self._make(game, user))

    async def look(self, game: Game, user: str) -> Session | None:
        """The session of a user and game, `None` if there is none. Asks the API server if we know
        of none, for another replica may have made one just now.

        Raises:
            NameCollision, Unavailable: as for `ensure`.
        """
        session = self._directory.find(game.name, user)
        if session is None:
            await self._fetch(game, user)
            session = self._directory.find(game.name, user)
        return session

    async def close(self, game: Game, user: str) -> bool:
        """End the sessions of a user and game.

        Returns:
            Whether there was one to end.

        Raises:
            NameCollision, Unavailable: as for `ensure`.
        """
        await self._fetch(game, user)
        sessions = [each for each in self._directory.all_of(game.name, user) if not each.deleting]
        gone = [
            await self._end(session, "Closed", "Close", "Closed by its user.")
            for session in sessions
        ]
        return any(gone)

    async def refresh(self, session: Session) -> None:
        """Read a session and its pod anew, where what we know of them turned out to be wrong.
        Where the API server does not answer, what we know stays."""
        try:
            async with asyncio.timeout(CALL_SECONDS):
                await self._reread(self._directory.sessions, session.name, session.uid)
                if session.pod_name:
                    await self._reread(self._directory.pods, session.pod_name, session.pod_uid)
        except (ApiError, Unreachable, TimeoutError) as error:
            log.warning("not read anew", session=session.name, error=str(error) or repr(error))

    # Making -------------------------------------------------------------------------------------

    async def _make(self, game: Game, user: str) -> Session:
        backoff = Backoff(0.1, 1.0)
        for _ in range(ATTEMPTS):
            session = self._directory.find(game.name, user)
            if session is not None and session.phase != FAILED:
                return session
            if session is not None:
                await self._replace(session)
            game = self._present(game)
            if game.suspended:
                raise GameSuspended(f"Game {game.name} takes no new sessions at the moment.")
            try:
                await self._create(game, user)
            except (Throttled, ServerFault) as error:
                log.warning("session not created", game=game.name, error=str(error))
                await asyncio.sleep(max(backoff.delay(), min(error.retry_after or 0, 2.0)))
            except (Conflict, Unreachable) as error:
                # It is there already, or may be, for all that the lost answer says.
                if found := await self._fetch(game, user):
                    await self._make_room(found)
                elif isinstance(error, Unreachable) and self._cluster.contact.lost:
                    raise _unavailable(error) from error
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
        body: Object = {
            "apiVersion": API_VERSION,
            "kind": SESSIONS.kind,
            "metadata": {
                "name": name,
                "namespace": self._namespace,
                "labels": {GAME_LABEL: game.name, SESSION_LABEL: name},
                # No controller and no blockOwnerDeletion: a Game's deletion waits for nobody.
                "ownerReferences": [
                    {
                        "apiVersion": API_VERSION,
                        "kind": GAMES.kind,
                        "name": game.name,
                        "uid": game.uid,
                    }
                ],
            },
            "spec": {"user": user, "game": game.name},
        }
        try:
            async with asyncio.timeout(CALL_SECONDS):
                made = await self._cluster.create(SESSIONS, self._namespace, body)
        except TimeoutError as error:
            raise Unreachable(f"no answer to the creation of {name}") from error
        except (Conflict, Throttled, ServerFault):
            raise
        except ApiError as error:
            raise _unavailable(error) from error
        log.info("session created", user=user, game=game.name, session=name)
        self._directory.sessions.offer(made)

    async def _make_room(self, session: Session) -> None:
        """Deal with an object under the derived name that is no live session."""
        if session.deleting:
            await self._wait_until_gone(session)
        elif session.phase == FAILED:
            await self._replace(session)

    async def _wait_until_gone(self, session: Session) -> None:
        known = self._directory.sessions.get(session.name)
        if known is None or known.uid != session.uid:
            return  # the watch has seen the end of it
        try:
            async with asyncio.timeout(DELETION_SECONDS):
                await self._directory.changed(session.game, session.user)
        except TimeoutError as error:
            raise Unavailable("The session before is still being deleted.") from error

    async def _replace(self, session: Session) -> None:
        """Delete a session that failed.

        Raises:
            StartFailed: it failed so short a while ago that its reason is the answer.
        """
        message = str(session.condition.get("message") or "The session could not be started.")
        if self._now() - _failed_at(session) < REPLACED_AFTER:
            raise StartFailed(message)
        try:
            await self._end(session, "Failed", "Replace", f"Replaced by a new one: {message}")
        except Unavailable as error:
            raise StartFailed(message) from error

    # Ending -------------------------------------------------------------------------------------

    async def _end(self, session: Session, reason: str, action: str, note: str) -> bool:
        """Delete one life of a session; `False` if it was over already."""
        regarding: Object = {
            "apiVersion": API_VERSION,
            "kind": SESSIONS.kind,
            "metadata": {
                "name": session.name,
                "namespace": session.namespace,
                "uid": session.uid,
                "resourceVersion": session.resource_version,
            },
        }
        try:
            async with asyncio.timeout(CALL_SECONDS):
                await self._announce(regarding, reason, action, note)
                answer = await self._cluster.delete(
                    SESSIONS, self._namespace, session.name, uid=session.uid
                )
        except Conflict:
            answer = None  # another life has its name
        except (ApiError, Unreachable, TimeoutError) as error:
            raise _unavailable(error) from error
        if answer is not None and answer["kind"] == SESSIONS.kind:
            self._directory.sessions.offer(answer)  # finalizers keep it for a while
        else:
            self._directory.sessions.forget(session.name, session.uid)
        if answer is not None and reason == "Closed":
            log.info("session closed", user=session.user, game=session.game, session=session.name)
        return answer is not None

    async def _announce(self, regarding: Object, reason: str, action: str, note: str) -> None:
        try:
            await post_event(
                self._cluster,
                regarding=regarding,
                reason=reason,
                action=action,
                note=note,
                reporting_controller=self._controller,
            )
        except (ApiError, Unreachable) as error:
            log.warning("event not written", reason=reason, error=str(error))

    # Asking the API server ----------------------------------------------------------------------

    async def _reread(self, informer: Informer[Any], name: str, uid: str) -> None:
        try:
            found = await self._cluster.get(informer.resource, self._namespace, name)
        except Gone:
            informer.forget(name, uid)
        else:
            informer.offer(found)

    async def _fetch(self, game: Game, user: str) -> Session | None:
        """What lives under the derived name, from the API server itself."""
        name = session_name(game.name, user)
        known = self._directory.sessions.get(name)
        try:
            async with asyncio.timeout(CALL_SECONDS):
                found = await self._cluster.get(SESSIONS, self._namespace, name)
        except Gone:
            if known is not None:  # not what the watch has brought since
                self._directory.sessions.forget(name, known.uid)
            return None
        except (ApiError, Unreachable, TimeoutError) as error:
            raise _unavailable(error) from error
        session = self._directory.sessions.read(found)
        if (session.game, session.user) != (game.name, user):
            log.error("name collision", session=name, game=game.name, user=user)
            raise NameCollision(f"GameSession {name} is another user's.")
        self._directory.sessions.offer(found)
        return session


def _failed_at(session: Session) -> datetime:
    changed = session.condition.get("lastTransitionTime")
    return session.failed_at or (parse_instant(changed) if changed else session.created_at)


def _unavailable(error: BaseException) -> Unavailable:
    log.warning("API server does not do what was asked", error=str(error) or repr(error))
    return Unavailable("Sessions cannot be created or ended at the moment.")
