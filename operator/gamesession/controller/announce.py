"""What becomes of sessions, for people: Events on the objects, lines in the log, metrics."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Literal

import structlog

from gamesession.controller.metrics import STARTS
from gamesession.kube.cluster import Cluster, Object
from gamesession.kube.errors import ApiError, Unreachable
from gamesession.kube.events import post_event
from gamesession.kube.metrics import ENDED
from gamesession.kube.resources import SESSIONS
from gamesession.plan.deadline import Deadline
from gamesession.plan.session import Session

log = structlog.get_logger(__name__)

Kind = Literal["Normal", "Warning"]


class Announcer:
    """Tells what became of sessions. Events that nobody waits for are posted in the background.

    Args:
        now: the time of day, UTC.
    """

    def __init__(
        self, cluster: Cluster, now: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self._cluster = cluster
        self._now = now
        self._posting: set[asyncio.Task[None]] = set()

    def ready(self, session: Session, answer: Object) -> None:
        """A session is Ready (again). Of a first warm start there is no Event: the status says all
        of it, and at many starts a second one more write each would delay the next user's."""
        status = answer["status"]
        since = session.came_at if session.ready_at is None else session.starting_since
        seconds = max(0.0, (self._now() - (since or session.came_at)).total_seconds())
        kind = status.get("startKind", "Cold")
        if session.ready_at is None:
            STARTS.labels(session.game, kind).observe(seconds)
        log.info("session ready", **session.about, start=kind.lower(), seconds=round(seconds, 3))
        if kind != "Warm" or session.ready_at is not None:
            note = f"Pod {status['podName']} serves after {seconds:.2f} s."
            self._post_later(session, "Ready", "Start", note)

    def failed(self, session: Session, answer: Object) -> None:
        """A session has Failed."""
        condition = answer["status"]["conditions"][0]
        reason, message = condition["reason"], condition["message"]
        log.warning("session failed", **session.about, reason=reason, message=message)
        self._post_later(session, reason, "Start", message, kind="Warning")

    async def ending(self, session: Session, deadline: Deadline) -> None:
        """A session is about to be deleted: the Event comes first."""
        await self._post(session, deadline.reason.value, "End", deadline.message)

    def ended(self, session: Session, deadline: Deadline, now: datetime) -> None:
        """A session was deleted."""
        idle = (now - (session.active_at or session.created_at)).total_seconds()
        ENDED.labels(session.game, deadline.reason.value).inc()
        log.info(
            "expired session removed",
            **session.about,
            reason=deadline.reason.value,
            idle_seconds=round(idle, 1),
        )

    def _post_later(
        self, session: Session, reason: str, action: str, note: str, *, kind: Kind = "Normal"
    ) -> None:
        task = asyncio.create_task(self._post(session, reason, action, note, kind=kind))
        self._posting.add(task)
        task.add_done_callback(self._posting.discard)

    async def _post(
        self, session: Session, reason: str, action: str, note: str, *, kind: Kind = "Normal"
    ) -> None:
        try:
            await post_event(
                self._cluster,
                regarding=reference(session),
                reason=reason,
                action=action,
                note=note,
                type=kind,
                reporting_controller="gamelibrary.io/operator",
            )
        except (ApiError, Unreachable) as error:
            log.info("event not posted", **session.about, reason=reason, error=str(error))


def reference(session: Session) -> Object:
    """As much of a session as an Event needs."""
    return {
        "apiVersion": SESSIONS.api_version,
        "kind": SESSIONS.kind,
        "metadata": {
            "namespace": session.namespace,
            "name": session.name,
            "uid": session.uid,
            "resourceVersion": session.resource_version,
        },
    }
