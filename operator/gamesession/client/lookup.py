"""Asking the API server itself, where what the watches told is not enough."""

from __future__ import annotations

from typing import Any

import structlog

from gamesession.api.errors import NameCollision, Unavailable
from gamesession.api.names import session_name
from gamesession.client.call import call
from gamesession.client.directory import Directory
from gamesession.kube.cluster import Cluster
from gamesession.kube.errors import ApiError, Gone, Unreachable
from gamesession.kube.informer import Informer
from gamesession.plan.session import Session

log = structlog.get_logger(__name__)


class Lookup:
    """Reads objects, and has the directory know them."""

    def __init__(self, cluster: Cluster, namespace: str, directory: Directory) -> None:
        self._cluster = cluster
        self._namespace = namespace
        self._directory = directory

    async def derived(self, game: str, user: str) -> Session | None:
        """What lives under the name that is derived from a Game's name and a user.

        Raises:
            NameCollision: it is another's.
            Unavailable: the API server does not answer.
        """
        name = session_name(game, user)
        sessions = self._directory.sessions
        known = sessions.get(name)
        try:
            async with call(self._cluster):
                found = await self._cluster.get(sessions.resource, self._namespace, name)
        except Gone:
            if known is not None:  # not what the watch has brought since
                sessions.forget(name, known.uid)
            return None
        except (ApiError, Unreachable, TimeoutError) as error:
            raise unavailable(error) from error
        session = sessions.read(found)
        if (session.game, session.user) != (game, user):
            log.error("name collision", session=name, game=game, user=user)
            raise NameCollision(f"GameSession {name} is another user's.")
        sessions.offer(found)
        return session

    async def refresh(self, session: Session) -> None:
        """Read a session and its pod anew. Where the API server does not answer, what we know
        stays."""
        try:
            async with call(self._cluster):
                await self._reread(self._directory.sessions, session.name, session.uid)
                if session.pod_name:
                    await self._reread(self._directory.pods, session.pod_name, session.pod_uid)
        except (ApiError, Unreachable, TimeoutError) as error:
            log.warning("not read anew", **session.about, error=str(error) or repr(error))

    async def _reread(self, informer: Informer[Any], name: str, uid: str) -> None:
        try:
            found = await self._cluster.get(informer.resource, self._namespace, name)
        except Gone:
            informer.forget(name, uid)
        else:
            informer.offer(found)


def unavailable(error: BaseException) -> Unavailable:
    """What a user is told of an API server that does not do what was asked; we are told more."""
    log.warning("API server does not do what was asked", error=str(error) or repr(error))
    return Unavailable("Sessions cannot be created or ended at the moment.")
