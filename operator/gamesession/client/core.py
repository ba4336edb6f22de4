"""All that a manager needs of one cluster, on one event loop: what the gateway stands on, too."""

from __future__ import annotations

import asyncio
import os
from datetime import timedelta
from typing import Final

import structlog

from gamesession.api.errors import GameNotFound, Unavailable
from gamesession.api.names import SessionId
from gamesession.client.activity import Activity
from gamesession.client.call import AWAY_SECONDS, CALL_SECONDS, call
from gamesession.client.degraded import DegradedSessions
from gamesession.client.directory import Directory, is_duplicate
from gamesession.client.disposal import Disposal
from gamesession.client.ending import Ending
from gamesession.client.flight import Flights
from gamesession.client.lives import Lives
from gamesession.client.lookup import unavailable
from gamesession.client.player import is_game_name
from gamesession.client.services import Services
from gamesession.client.sessions import Sessions
from gamesession.client.starting import Starting
from gamesession.kube.cluster import Cluster
from gamesession.kube.errors import ApiError, Unreachable
from gamesession.kube.resources import GAMES
from gamesession.plan.game import DEFAULT_IDLE_TIMEOUT, Game
from gamesession.plan.session import Session

COMPONENT: Final = "sdk"
FLUSH_SECONDS: Final = 5.0
CLEANUP_SECONDS: Final = 10.0
"""How long a close waits for the cleanup of users' objects."""

log = structlog.get_logger(__name__)


class Core:
    """A connection to one namespace. To be made, started and closed on its event loop.

    Args:
        idle_timeout: of sessions that are made; `None` for their Game's.
        hold: seconds that a session may take to be Ready.
        interval: seconds between two looks at what may have been missed.
        disposal: how users' objects are ended.
    """

    def __init__(
        self,
        cluster: Cluster,
        namespace: str,
        *,
        idle_timeout: timedelta | None,
        hold: float,
        interval: float,
        disposal: Disposal,
    ) -> None:
        self.pid = os.getpid()
        self.loop = asyncio.get_running_loop()
        self.cluster = cluster
        self.directory = Directory(cluster, namespace)
        self.activity = Activity(cluster, namespace, self.directory)
        self.services = Services(disposal)
        self.degraded = DegradedSessions(self.services, idle_timeout or DEFAULT_IDLE_TIMEOUT)
        self.lives = Lives(cluster, namespace, self.directory, self.activity, self.services)
        self.sessions = Sessions(
            cluster, namespace, self.directory, component=COMPONENT, idle_timeout=idle_timeout
        )
        self.starting = Starting(self.sessions, self.directory, self.activity, hold=hold)
        self.ending = Ending(cluster, namespace, self.directory, COMPONENT)
        self.disposal = disposal
        self._namespace = namespace
        self._interval = interval
        self._flights: Flights[None] = Flights()
        self._away = False
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Follow the API server, and look regularly."""
        self._tasks = [
            asyncio.create_task(self.directory.run(), name="gamesession directory"),
            asyncio.create_task(self._look_regularly(), name="gamesession comparison"),
        ]

    async def close(self) -> None:
        """End all that is stored, write all activity, and let go of the connection."""
        self.services.close()
        await asyncio.gather(
            self.disposal.ended(CLEANUP_SECONDS), self.activity.flush(FLUSH_SECONDS)
        )
        self.activity.stop()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.cluster.close()

    async def ready(self) -> None:
        """Return once all there is has been seen.

        Raises:
            Unavailable: the API server does not answer.
        """
        if not self.directory.synced:
            await self._flights.join("ready", self._see_all)

    async def game(self, name: str) -> Game:
        """A Game; the API server is asked for one that we do not know.

        Raises:
            GameNotFound: there is none.
            Unavailable: the API server does not answer.
        """
        games = self.directory.games
        if (found := games.get(name)) is not None:
            return found
        if is_game_name(name):
            try:
                async with call(self.cluster):
                    items, _ = await self.cluster.list(  # to get one takes a permission more
                        GAMES, self._namespace, field_selector=f"metadata.name={name}"
                    )
            except (ApiError, Unreachable, TimeoutError) as error:
                raise unavailable(error) from error
            for item in items:
                games.offer(item)
        if (found := games.get(name)) is not None:
            return found
        raise GameNotFound(f"There is no Game {name!r} in namespace {self._namespace}.")

    async def life(self, id_: SessionId) -> Session | None:
        """The one life that an id names, if it is there.

        Raises:
            Unavailable: the API server does not answer.
        """
        for session in self.directory.all_of(id_.game, id_.user):
            if _is(session, id_) and not is_duplicate(session):
                return session
        try:
            game = await self.game(id_.game)
        except GameNotFound:
            return None
        found = await self.sessions.look(game, id_.user)
        return found if found is not None and _is(found, id_) else None

    async def _see_all(self) -> None:
        try:
            # Fails at once, and in words, where the watches would go on trying; when it has once,
            # it does so soon, for a fallback waits.
            async with asyncio.timeout(AWAY_SECONDS if self._away else CALL_SECONDS):
                self._away = True
                await self.cluster.peek(GAMES, self._namespace)
                self._away = False
            async with asyncio.timeout(CALL_SECONDS):
                known = self.directory
                for informer in (known.games, known.sessions, known.pods):
                    await informer.synced.wait()
        except (ApiError, Unreachable) as error:
            raise unavailable(error) from error
        except TimeoutError as error:
            raise Unavailable("The API server takes too long to tell of its sessions.") from error

    async def _look_regularly(self) -> None:
        while True:
            await asyncio.sleep(self._interval)
            try:
                await self.lives.compare(self._interval)
                self.degraded.sweep()
            except Exception:
                log.exception("comparison failed")


def _is(session: Session, id_: SessionId) -> bool:
    """Whether an id names this life."""
    return not session.deleting and id_ == SessionId.of(
        session.user, session.game, session.created_at
    )
