"""The one implementation behind the SDK's faces: it runs on an event loop, theirs or ours."""

from __future__ import annotations

import asyncio
import os
from datetime import timedelta
from typing import Final

from gamesession.api.errors import Capacity, SessionStarting, StartFailed, Unavailable
from gamesession.client.core import COMPONENT, Core
from gamesession.client.disposal import Disposal
from gamesession.client.flight import Flights
from gamesession.client.loop import WORKERS
from gamesession.client.managed import GameSession
from gamesession.client.player import check_user, parse_session_id
from gamesession.client.process import PROCESS
from gamesession.client.settings import SdkSettings, check_timeout
from gamesession.client.standard_log import log_to_logging
from gamesession.kube.cluster import Cluster
from gamesession.kube.connection import load
from gamesession.plan.session import FAILED

FALLS_BACK: Final = (Unavailable, Capacity, StartFailed, SessionStarting)
"""When a fallback takes the place of a session; all else is for the caller to mend."""


class Manager:
    """Sessions of one namespace. Connects when it is first used, anew in every process.

    Args:
        idle_timeout: of sessions that are made; `None` for their Game's.
        interval: seconds between two looks at what the watch may have missed.
        users_loop: whether it runs on its user's event loop, rather than on ours.
    """

    def __init__(
        self,
        settings: SdkSettings,
        *,
        idle_timeout: timedelta | None,
        interval: float,
        users_loop: bool,
    ) -> None:
        log_to_logging()
        self._settings = settings
        self._idle_timeout = idle_timeout
        self._interval = interval
        self._users_loop = users_loop
        self._closed = False
        self._pid = 0
        self._core: Core | None = None
        self._flights: Flights[Core] = Flights()

    async def create(self, user: str, game_name: str) -> GameSession:
        """See `AsyncGameSessionManager.create_session`; without the fallback."""
        check_user(user)
        core = await self._started()
        await core.ready()
        game = await core.game(game_name)
        known = core.directory.find(game.name, user)
        if known is None or known.phase == FAILED:
            check_timeout(self._idle_timeout, game)
        session = await core.starting.until_ready(game, user)
        core.degraded.end(game.name, user)
        return core.lives.hold(session)

    async def find(self, session_id: str) -> GameSession | None:
        """See `AsyncGameSessionManager.get_session`."""
        id_ = parse_session_id(session_id)
        core = await self._started()
        if id_ is None or (found := core.degraded.by_id(id_)) is not None:
            return None if id_ is None else found
        await core.ready()
        session = await core.life(id_)
        return core.lives.hold(session) if session is not None else None

    async def end(self, session_id: str) -> bool:
        """See `AsyncGameSessionManager.close_session`."""
        id_ = parse_session_id(session_id)
        core = await self._started()
        if id_ is None:
            return False
        if core.degraded.by_id(id_) is not None:
            return core.degraded.end(id_.game, id_.user)
        await core.ready()
        session = await core.life(id_)
        return session is not None and await core.ending.close(session)

    async def count(self, user: str | None = None) -> int:
        """See `AsyncGameSessionManager.get_session_count`."""
        core = await self._started()
        await core.ready()
        return sum(
            not session.deleting and session.phase != FAILED and user in (None, session.user)
            for session in core.directory.sessions.values()
        )

    async def close(self) -> None:
        """See `AsyncGameSessionManager.close`."""
        self._closed = True
        core, self._core = self._here(), None
        if core is None:
            return
        if core.loop is asyncio.get_running_loop():
            await core.close()
        else:  # its own loop has ended
            core.services.close()
            await core.disposal.ended(10)
        PROCESS.disown(core)

    @property
    def idle(self) -> bool:
        """Whether nothing has been begun in this process."""
        return self._pid != os.getpid()

    def abandon(self) -> None:
        """Close what was never used here."""
        self._closed = True

    def degraded(self, user: str, game: str) -> GameSession | None:
        """The session that the fallback gave before, if there is one."""
        core = self._here()
        return core.degraded.find(game, user) if core is not None else None

    def degrade(self, user: str, game: str, given: object) -> object:
        """The session that a fallback gave just now."""
        core = self._here()
        if core is None:
            raise RuntimeError(CLOSED)
        return core.degraded.take(game, user, given)

    # Connecting ---------------------------------------------------------------------------------

    async def _started(self) -> Core:
        if self._closed:
            raise RuntimeError(CLOSED)
        core = self._here() or await self._flights.join("start", self._start)
        if core.loop is not asyncio.get_running_loop():
            raise RuntimeError(
                "this AsyncGameSessionManager was first used on another event loop: "
                "make one for each loop"
            )
        return core

    def _here(self) -> Core | None:
        """What was started in this process: a fork begins with nothing."""
        if self._pid != os.getpid():
            self._pid, self._core, self._flights = os.getpid(), None, Flights()
        return self._core

    async def _start(self) -> Core:
        settings = self._settings
        configuration = await load(settings.kubeconfig, settings.context)
        if self._closed:
            raise RuntimeError(CLOSED)
        loop = asyncio.get_running_loop() if self._users_loop else None
        core = Core(
            Cluster(configuration, COMPONENT),
            settings.namespace,
            idle_timeout=self._idle_timeout,
            hold=settings.hold.total_seconds(),
            interval=self._interval,
            disposal=Disposal(WORKERS, loop),
        )
        core.start()
        PROCESS.own(core)
        self._core = core
        return core


CLOSED: Final = "the manager is closed: make another one"
