"""The store was behind on an object, as a 404 or 409 told: read it from the API server."""

from __future__ import annotations

from gamesession.controller.shelf import Key, key_of
from gamesession.controller.store import Store
from gamesession.kube.cluster import Cluster, Object
from gamesession.kube.errors import Gone
from gamesession.kube.resources import PODS, SESSIONS
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


async def refresh_pod(cluster: Cluster, store: Store, key: Key, uid: str) -> Object | None:
    """Bring the store up to date on one life of a pod; returns it, `None` if it is gone.

    Raises:
        ApiError, Unreachable: it could not be read.
    """
    try:
        found = await cluster.get(PODS, *key)
    except Gone:
        found = {}
    if found.get("metadata", {}).get("uid") != uid:  # else another life of that name
        store.lose_pod(key, uid)
        return None
    store.see_pod(found)
    return found
