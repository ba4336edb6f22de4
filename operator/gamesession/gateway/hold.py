"""Waiting for a session to serve, and the pod that a request then goes to."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from contextlib import ExitStack
from dataclasses import replace
from typing import Final

from gamesession.api.errors import SessionStarting, Unavailable, UpstreamUnreachable
from gamesession.api.game import Service
from gamesession.client.activity import Activity
from gamesession.client.attendance import Attendance
from gamesession.client.directory import Directory
from gamesession.client.pod import Pod
from gamesession.client.sessions import Sessions
from gamesession.gateway.dial import Dials
from gamesession.gateway.drain import Drain
from gamesession.gateway.places import Places
from gamesession.gateway.target import Target
from gamesession.plan.game import Game
from gamesession.plan.session import READY, Session

RETRY_AFTER: Final = 2


class Holds:
    """Finds the pod for a request, and lets the request wait where there is none yet.

    Args:
        hold: seconds that a request waits.
    """

    def __init__(
        self,
        sessions: Sessions,
        directory: Directory,
        activity: Activity,
        dials: Dials,
        places: Places,
        drain: Drain,
        *,
        hold: float,
    ) -> None:
        self._sessions = sessions
        self._directory = directory
        self._activity = activity
        self._dials = dials
        self.places = places
        self._drain = drain
        self._hold = hold
        self._serving: dict[str, dict[str, tuple[Target, Service]]] = defaultdict(dict)
        directory.sessions.subscribe(self._session_changed)

    def serving(self, game: Game, service: Service, user: str) -> Target | None:
        """The pod that serves the user already."""
        session = self._directory.find(game.name, user)
        if session is None or session.phase != READY:
            return None
        pod = self._directory.pod_of(session)
        if pod is None:
            return None
        targets = self._serving[session.uid]
        known, of = targets.get(service.name, (None, None))
        if known and known.session is session and known.pod is pod and of is service:
            return known
        target = Target.of(session, pod, _port(session, service))
        targets[service.name] = target, service
        return target

    def doubt(self, target: Target) -> None:
        """Take note that a target did not do what a session's pod does."""
        self._dials.doubt(target.pod, target.port)

    def is_current(self, target: Target) -> bool:
        """Whether requests still go there."""
        return self._is_pod_of(target.session, target.pod)

    async def wait(
        self,
        game: Game,
        service: Service,
        user: str,
        *,
        doubted: Target | None = None,
        hold: float | None = None,
    ) -> Target:
        """Wait until the user's session serves; it is made if there is none.

        Args:
            doubted: a target that was tried in vain: should it be the one again, it is dialled
                although its session is Ready.
            hold: seconds to wait, where that is less than the others do.

        Raises:
            SessionStarting: not within the hold.
            Capacity: too many wait already.
            UpstreamUnreachable: the session is Ready, but its pod takes no connections.
            Unavailable: the API server was away until the hold ran out.
            GameNotFound, GameSuspended, StartFailed, NameCollision, Unavailable: as
                `Sessions.ensure_in_the_end`.
        """
        before = self._directory.find(game.name, user)
        reused_pod = before.pod_uid if before is not None and self._serves(before) else None
        try:
            with (
                self.places.take(game.name, user),
                ExitStack() as hurrying,
                Attendance(self._activity) as attendance,
            ):
                async with asyncio.timeout(min(self._hold, hold or self._hold)) as limit:
                    hurrying.enter_context(self._drain.hurrying(limit))
                    while True:
                        session = await self._sessions.ensure_in_the_end(game, user)
                        attendance.attend(session)
                        found = await self._look(game, service, session, doubted)
                        if found is not None:
                            return _started(found, session, reused_pod)
        except TimeoutError as error:
            if self._sessions.api_server_is_away and not self._directory.find(game.name, user):
                raise Unavailable("Sessions cannot be created at the moment.") from error
            raise SessionStarting(
                "The session is starting; try again.", retry_after=RETRY_AFTER
            ) from error

    async def _look(
        self, game: Game, service: Service, session: Session, doubted: Target | None
    ) -> Target | None:
        """The target, if the session has one now; `None` once there is something new to see."""
        pod = self._directory.pod_of(session)
        ready = session.phase == READY
        if pod is None or (game.spec.hooks.on_claim is not None and not ready):
            # Who shared its making hears of a session late; what came since wakes nobody.
            if session is self._directory.find(game.name, session.user):
                await self._directory.changed(game.name, session.user)
            return None
        target = Target.of(session, pod, _port(session, service))
        if ready and (doubted is None or doubted.address != target.address):
            return target
        if await self._dials.reach(pod, target.port, lambda: self._is_pod_of(session, pod)):
            return target
        if ready and self._is_pod_of(session, pod):
            raise UpstreamUnreachable(f"Service {service.name} takes no connections.")
        return None

    def _serves(self, session: Session) -> bool:
        """Whether the session served before this request came; kubelet says so late."""
        return session.phase == READY or self._dials.has_reached(session.pod_uid)

    def _session_changed(self, old: Session | None, new: Session | None) -> None:
        """What is remembered of a session ends with it."""
        if new is None and old is not None:
            self._serving.pop(old.uid, None)

    def _is_pod_of(self, session: Session, pod: Pod) -> bool:
        """Whether a pod is still the one that this life of the session talks to."""
        now = self._directory.sessions.get(session.name)
        if now is None or now.uid != session.uid:
            return False
        current = self._directory.pod_of(now)
        return current is not None and (current.uid, current.ip) == (pod.uid, pod.ip)


def _started(target: Target, session: Session, reused_pod: str | None) -> Target:
    if target.pod.uid == reused_pod:
        return target
    return replace(target, start=(session.start_kind or "Cold").lower())


def _port(session: Session, service: Service) -> int:
    """The service's port as it was bound, for the Game may say another by now."""
    bound = session.services.get(service.name) if session.phase == READY else None
    return int(bound.rpartition(":")[2]) if bound else service.port
