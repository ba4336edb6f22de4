"""Writing one session's `status.lastActivity`: only on the life it was meant for, only forward."""

from __future__ import annotations

from datetime import datetime
from enum import Enum

import structlog

from gamesession.api.instant import format_instant, parse_instant
from gamesession.client.directory import Directory
from gamesession.kube.cluster import Cluster, JsonPatch, Object
from gamesession.kube.errors import ApiError, Conflict, Gone, Invalid, Unreachable
from gamesession.kube.resources import SESSIONS
from gamesession.plan.session import Session

log = structlog.get_logger(__name__)


class Outcome(Enum):
    """What became of a write."""

    STANDS = "stands"
    """This stamp, or a later one, is in the status."""
    GONE = "gone"
    """That life of the session is over."""
    KEPT = "kept"
    """Unknown or refused: to be written again."""


class Stamps:
    """Writes stamps of activity."""

    def __init__(self, cluster: Cluster, namespace: str, directory: Directory) -> None:
        self._cluster = cluster
        self._namespace = namespace
        self._directory = directory

    async def write(self, session: Session, at: datetime) -> Outcome:
        """Bring the session's last activity to `at`, unless it is later already."""
        try:
            answer = await self._patch(session, at)
        except Gone:
            return self._gone(session)
        except (Invalid, Conflict):
            return await self._settle(session, at)
        except (ApiError, Unreachable) as error:
            log.debug("activity kept", session=session.name, error=str(error))
            return Outcome.KEPT
        self._directory.sessions.offer(answer)
        # It was written all right, but on a life that is ending.
        return Outcome.GONE if "deletionTimestamp" in answer["metadata"] else Outcome.STANDS

    def _gone(self, session: Session) -> Outcome:
        self._directory.sessions.forget(session.name, session.uid)
        return Outcome.GONE

    async def _patch(self, session: Session, at: datetime) -> Object:
        stamp = format_instant(at)
        if session.phase or session.last_activity:
            # `add` sets a member whether it is there or not (RFC 6902, 4.1).
            operations: JsonPatch = [
                {"op": "test", "path": "/metadata/uid", "value": session.uid},
                {"op": "add", "path": "/status/lastActivity", "value": stamp},
            ]
            return await self._cluster.json_patch(
                SESSIONS, self._namespace, session.name, operations, subresource="status"
            )
        # No status yet, so nothing to add a member to. The resource version stands for the
        # life: it holds only as long as nobody else has written.
        body: Object = {
            "metadata": {"resourceVersion": session.resource_version},
            "status": {"lastActivity": stamp},
        }
        return await self._cluster.merge_patch(
            SESSIONS, self._namespace, session.name, body, subresource="status"
        )

    async def _settle(self, session: Session, at: datetime) -> Outcome:
        """Look why a write was refused: the life is over, a later stamp stands, or our picture of
        the object was too old for the kind of patch that we chose."""
        try:
            found = await self._cluster.get(SESSIONS, self._namespace, session.name)
        except Gone:
            return self._gone(session)
        except (ApiError, Unreachable):
            return Outcome.KEPT
        if found["metadata"]["uid"] != session.uid:
            self._gone(session)
        self._directory.sessions.offer(found)
        if found["metadata"]["uid"] != session.uid or "deletionTimestamp" in found["metadata"]:
            return Outcome.GONE
        standing = found.get("status", {}).get("lastActivity")
        if standing and parse_instant(standing) >= at:
            return Outcome.STANDS
        return Outcome.KEPT
