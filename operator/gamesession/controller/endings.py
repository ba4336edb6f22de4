"""Ends sessions whose time has come: the timer's work, and the sweep that trusts no heap."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from typing import Final

import structlog

from gamesession.controller.announce import Announcer
from gamesession.controller.deadlines import Deadlines
from gamesession.controller.refresh import refresh
from gamesession.controller.shelf import Key, key_of
from gamesession.controller.store import Store
from gamesession.kube.backoff import Backoff
from gamesession.kube.cluster import Cluster, Object
from gamesession.kube.errors import ApiError, Conflict, Unreachable
from gamesession.kube.resources import SESSIONS
from gamesession.plan.deadline import Deadline, deadline_of, grace
from gamesession.plan.session import Session

log = structlog.get_logger(__name__)

AT_ONCE: Final = 32
FIRST_RETRY: Final = 1.0
LONGEST_RETRY: Final = 30.0
"""Seconds after which a session that could not be deleted is tried again."""


class Endings:
    """Ends sessions whose time has come.

    Args:
        compare: asks for a comparison of the store with the API server.
    """

    def __init__(
        self,
        cluster: Cluster,
        store: Store,
        announcer: Announcer,
        *,
        compare: Callable[[], None],
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._cluster = cluster
        self._store = store
        self._announcer = announcer
        self._compare = compare
        self._now = now
        self._deadlines = Deadlines()
        self._at_once = asyncio.Semaphore(AT_ONCE)
        self._ending: set[str] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._told: dict[str, datetime] = {}
        """Deadlines that an Event has told of, by uid: a second try needs no second Event."""
        self._backoffs: dict[str, Backoff] = {}

    def schedule(self, session: Session) -> None:
        """Enter a session's deadline."""
        if deadline := deadline_of(session, self._store.game_of(session)):
            self._enter(session, deadline.at)

    def forget(self, session: Session) -> None:
        """A session is gone."""
        self._deadlines.forget(key_of(session))
        self._told.pop(session.uid, None)
        self._backoffs.pop(session.uid, None)

    def begin(self, game: Key) -> asyncio.Task[None] | None:
        """Begin to end the sessions of one Game that are due; `None` if none is.

        The next ones need not wait for these: an API server that is slow to answer delays no more
        than what it was asked.
        """
        due = self._deadlines.due(game, self._now())
        sessions = [session for key in due if (session := self._store.sessions.get(key))]
        if not sessions:
            return None
        task = asyncio.create_task(self._end_all(sessions))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def tick(self, game: Key) -> None:
        """End the sessions of one Game that are due. No I/O unless one is."""
        if task := self.begin(game):
            await task

    def stop(self) -> None:
        """Break off what is under way."""
        for task in self._tasks:
            task.cancel()

    async def tick_all(self) -> None:
        """`tick` for every Game, also for those that are not there: no timer runs for them, nor for
        one to which kopf could not add its finalizer."""
        for game in self._deadlines.games():
            await self.tick(game)

    async def sweep(self) -> None:
        """Look at every session, whatever the heap says."""
        sessions = list(self._store.sessions.values())
        await self._end_all(sessions)

    def _enter(self, session: Session, at: datetime) -> None:
        self._deadlines.enter((session.namespace, session.game), key_of(session), at)

    async def _end_all(self, sessions: Iterable[Session]) -> None:
        ended = await asyncio.gather(*(self._end_if_due(session) for session in sessions))
        if count := sum(ended):
            log.info("expired sessions removed", count=count)

    async def _end_if_due(self, session: Session) -> bool:
        game, now = self._store.game_of(session), self._now()
        deadline = deadline_of(session, game)
        if deadline is None:
            return False
        at = self._not_before(deadline, grace(session, game), now)
        if at > now:
            self._enter(session, at)
            return False
        if session.uid in self._ending:  # timer and sweep met
            return False
        self._ending.add(session.uid)
        try:
            async with self._at_once:
                if self._store.sessions.get(key_of(session)) is not session:
                    return False  # changed or gone while this one waited for its place
                return await self._end(session, deadline)
        finally:
            self._ending.discard(session.uid)

    def _not_before(self, deadline: Deadline, patience: timedelta, now: datetime) -> datetime:
        """The deadline, or the end of the grace in which gateways write what they kept."""
        if not deadline.reason.follows_activity:
            return deadline.at
        missing = patience - timedelta(seconds=self._cluster.contact.seconds())
        return max(deadline.at, now + missing)

    async def _end(self, session: Session, deadline: Deadline) -> bool:
        if self._told.get(session.uid) != deadline.at:
            self._told[session.uid] = deadline.at
            await self._announcer.ending(session, deadline)
        try:
            answer = await self._delete(session, deadline)
        except (ApiError, Unreachable) as error:
            log.warning("session could not be removed", **session.about, error=str(error))
            backoff = self._backoffs.setdefault(session.uid, Backoff(FIRST_RETRY, LONGEST_RETRY))
            self._enter(session, self._now() + timedelta(seconds=backoff.delay()))
            return False
        if answer is None:
            return False
        self._announcer.ended(session, deadline, self._now())
        if answer.get("kind") == SESSIONS.kind:  # somebody's finalizer holds it back
            self._store.see_session(answer)
        else:
            self._store.lose_session(key_of(session), session.uid)
        return True

    async def _delete(self, session: Session, deadline: Deadline) -> Object | None:
        """Delete it; `None` if somebody was faster, to delete it or to write something."""
        # What activity puts off, activity that was written in between puts off, too.
        version = session.resource_version if deadline.reason.follows_activity else None
        try:
            answer = await self._cluster.delete(
                SESSIONS,
                session.namespace,
                session.name,
                uid=session.uid,
                resource_version=version,
            )
        except Conflict:
            self._compare()
            self._enter(session, self._now() + timedelta(seconds=FIRST_RETRY))
            await refresh(self._cluster, self._store, session)
            return None
        if answer is None:
            self._store.lose_session(key_of(session), session.uid)
        return answer
