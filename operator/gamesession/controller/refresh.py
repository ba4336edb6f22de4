"""The store was behind on a session, as a 404 or 409 told: read it from the API server."""

from __future__ import annotations

from gamesession.controller.shelf import key_of
from gamesession.controller.store import Store
from gamesession.kube.cluster import Cluster
from gamesession.kube.errors import Gone
from gamesession.kube.resources import SESSIONS
from gamesession.plan.session import Session


async def refresh(cluster: Cluster, store: Store, session: Session) -> None:
    """Bring the store up to date on one session.

    Raises:
        ApiError, Unreachable: it could not be read.
    """
    try:
        found = await cluster.get(SESSIONS, session.namespace, session.name)
    except Gone:
        store.lose_session(key_of(session), session.uid)
    else:
        store.see_session(found)
