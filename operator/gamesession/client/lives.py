"""The sessions that a process holds objects for, each told of its end once."""

from __future__ import annotations

import asyncio
import contextlib
from datetime import UTC, datetime

import structlog

from gamesession.api.address import address
from gamesession.api.errors import NotFound, SessionStarting, StartFailed
from gamesession.api.identity import identity_headers
from gamesession.api.names import SessionId
from gamesession.client.activity import Activity
from gamesession.client.directory import Directory
from gamesession.client.managed import GameSession
from gamesession.client.pod import Pod
from gamesession.client.services import Services, Shelf
from gamesession.kube.cluster import Cluster
from gamesession.kube.errors import ApiError, Unreachable
from gamesession.kube.resources import SESSIONS
from gamesession.plan.session import FAILED, READY, Session

RETRY_AFTER = 2

log = structlog.get_logger(__name__)


class PodLife:
    """One life of a session, told apart from all others by its uid.

    Its methods may be called by any thread. Made on the event loop that the directory is followed
    on.
    """

    def __init__(
        self, session: Session, shelf: Shelf, directory: Directory, activity: Activity
    ) -> None:
        self.uid = session.uid
        self.name = session.name
        self.shelf = shelf
        self.managed = GameSession(session.user, session.game, session.created_at, shelf, self)
        self._last = session
        self._touched_at: datetime | None = None
        self._directory = directory
        self._activity = activity
        self._loop = asyncio.get_running_loop()

    def endpoint(self, service: str) -> str:
        """See `GameSession.endpoint`."""
        session, pod = self._serving()
        bound = session.services.get(service)
        if bound is None:
            known = ", ".join(session.services) or "none"
            raise NotFound(f"Game {session.game} has no service {service!r}, but: {known}.")
        return f"http://{address(pod.ip, int(bound.rpartition(':')[2]))}"

    def identity_headers(self) -> dict[str, str]:
        """See `GameSession.identity_headers`."""
        session, pod = self._serving()
        return identity_headers(session.user, session.game, session.created_at, pod.uid)

    def touch(self) -> None:
        """See `GameSession.update_activity`."""
        if self.shelf.closed:  # by its end, the manager's close, or a fork
            return
        self._touched_at = datetime.now(UTC)
        with contextlib.suppress(RuntimeError):  # the loop is closed, and with it the manager
            self._loop.call_soon_threadsafe(self._touch)

    def last_activity(self) -> datetime | None:
        """See `GameSession.last_activity`."""
        session = self._present() or self._last
        known = [at for at in (self._activity.last(session), self._touched_at) if at is not None]
        return max(known, default=None)

    def see(self, session: Session) -> None:
        """Take note of how it stands now."""
        self._last = session

    def _serving(self) -> tuple[Session, Pod]:
        session = self._present()
        if session is None:
            raise NotFound(f"Session {self.managed.session_id} has ended.")
        if session.phase == FAILED:
            raise StartFailed(str(session.condition.get("message") or "The session failed."))
        pod = self._directory.pod_of(session)
        if session.phase != READY or pod is None:
            raise SessionStarting("The session has no pod at the moment.", retry_after=RETRY_AFTER)
        return session, pod

    def _present(self) -> Session | None:
        session = self._directory.sessions.get(self.name)
        return session if session is not None and session.uid == self.uid else None

    def _touch(self) -> None:
        if (session := self._present()) is not None:
            self._activity.touch(session)


class Lives:
    """What this process holds of sessions, by their uids. Used on one event loop."""

    def __init__(
        self,
        cluster: Cluster,
        namespace: str,
        directory: Directory,
        activity: Activity,
        services: Services,
    ) -> None:
        self._cluster = cluster
        self._namespace = namespace
        self._directory = directory
        self._activity = activity
        self._services = services
        self._held: dict[str, PodLife] = {}
        directory.sessions.subscribe(self._session_changed)

    def hold(self, session: Session) -> GameSession:
        """The object of this life of a session, the same for all who ask."""
        life = self._held.get(session.uid)
        if life is None:
            label = str(SessionId.of(session.user, session.game, session.created_at))
            shelf = self._services.shelf(label)
            life = PodLife(session, shelf, self._directory, self._activity)
            self._held[session.uid] = life
            now = self._directory.sessions.get(session.name)
            if now is None or now.uid != session.uid or now.deleting:
                self._end(session.uid)
        return life.managed

    async def compare(self, seconds: float) -> None:
        """Ask the API server which sessions are there, if the watch has been silent for so long.

        What cannot be asked is not known to have ended.
        """
        if not self._held or self._directory.sessions.age() <= seconds:
            return
        held = list(self._held.values())
        try:
            found, _ = await self._cluster.list(SESSIONS, self._namespace, metadata_only=True)
        except (ApiError, Unreachable) as error:
            log.debug("sessions not compared", error=str(error))
            return
        going = {each["metadata"]["uid"]: "deletionTimestamp" in each["metadata"] for each in found}
        for life in held:
            if life.uid not in going:
                self._directory.sessions.forget(life.name, life.uid)
            if going.get(life.uid, True):
                self._end(life.uid)

    def _session_changed(self, old: Session | None, new: Session | None) -> None:
        if new is None:
            if old is not None:
                self._end(old.uid)
        elif new.deleting:
            self._end(new.uid)
        elif (life := self._held.get(new.uid)) is not None:
            life.see(new)

    def _end(self, uid: str) -> None:
        if (life := self._held.pop(uid, None)) is not None:
            life.shelf.clear()
