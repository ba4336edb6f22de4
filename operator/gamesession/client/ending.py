"""Ending a session: an Event, then the deletion of this life and no other."""

from __future__ import annotations

import structlog

from gamesession.api.labels import API_VERSION, GROUP
from gamesession.client.call import call
from gamesession.client.directory import Directory
from gamesession.client.lookup import unavailable
from gamesession.kube.cluster import Cluster, Object
from gamesession.kube.errors import ApiError, Conflict, Unreachable
from gamesession.kube.events import post_event
from gamesession.kube.metrics import ENDED
from gamesession.kube.resources import SESSIONS
from gamesession.plan.session import Session

log = structlog.get_logger(__name__)


class Ending:
    """Ends sessions.

    Args:
        component: who we are in Events, such as `gateway`.
    """

    def __init__(
        self, cluster: Cluster, namespace: str, directory: Directory, component: str
    ) -> None:
        self._cluster = cluster
        self._namespace = namespace
        self._directory = directory
        self._controller = f"{GROUP}/{component}"

    async def close(self, session: Session, note: str = "Closed by its user.") -> bool:
        """End a session because its user wants it; `False` if it was over already.

        Args:
            note: what its Event says.

        Raises:
            Unavailable: the API server does not answer.
        """
        closed = await self._end(session, "Closed", "Close", note)
        if closed:
            log.info("session closed", **session.about)
        return closed

    async def replace(self, session: Session, why: str) -> None:
        """End a session that failed, for a new one is wanted.

        Raises:
            Unavailable: the API server does not answer.
        """
        await self._end(session, "Failed", "Replace", f"Replaced by a new one: {why}")

    async def _end(self, session: Session, reason: str, action: str, note: str) -> bool:
        try:
            async with call(self._cluster):
                await self._announce(session, reason, action, note)
                answer = await self._cluster.delete(
                    SESSIONS, self._namespace, session.name, uid=session.uid
                )
        except Conflict:
            answer = None  # another life has its name
        except (ApiError, Unreachable, TimeoutError) as error:
            raise unavailable(error) from error
        if answer is not None:
            ENDED.labels(session.game, reason).inc()
        if answer is not None and answer["kind"] == SESSIONS.kind:
            self._directory.sessions.offer(answer)  # finalizers keep it for a while
        else:
            self._directory.sessions.forget(session.name, session.uid)
        return answer is not None

    async def _announce(self, session: Session, reason: str, action: str, note: str) -> None:
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
            await post_event(
                self._cluster,
                regarding=regarding,
                reason=reason,
                action=action,
                note=note,
                reporting_controller=self._controller,
            )
        except (ApiError, Unreachable) as error:
            log.warning("event not written", **session.about, reason=reason, error=str(error))
