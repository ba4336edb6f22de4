"""Games and GameSessions as people write them."""

from __future__ import annotations

from typing import Any

from gamesession.api.labels import API_VERSION
from gamesession.kube.cluster import Cluster, Object
from gamesession.kube.resources import GAMES, SESSIONS

SERVICES: list[dict[str, Any]] = [{"name": "game", "port": 8080}, {"name": "live", "port": 9090}]
TEMPLATE = {"spec": {"containers": [{"name": "game", "image": "fortune-game"}]}}
NOBODY = "00000000-0000-0000-0000-000000000000"


def game(name: str = "fortune", **spec: Any) -> Object:
    """A Game; a field that is `None` is left out."""
    whole = {"services": SERVICES, "template": TEMPLATE, **spec}
    return {
        "apiVersion": API_VERSION,
        "kind": "Game",
        "metadata": {"name": name},
        "spec": {field: value for field, value in whole.items() if value is not None},
    }


def session(name: str = "alices", **spec: Any) -> Object:
    """A GameSession of alice; a field that is `None` is left out."""
    whole = {"user": "alice", "game": "fortune", **spec}
    return {
        "apiVersion": API_VERSION,
        "kind": "GameSession",
        "metadata": {"name": name},
        "spec": {field: value for field, value in whole.items() if value is not None},
    }


async def create(cluster: Cluster, namespace: str, body: Object) -> Object:
    """Create one of the two in a namespace."""
    resource = GAMES if body["kind"] == "Game" else SESSIONS
    return await cluster.create(resource, namespace, body)


async def set_status(cluster: Cluster, namespace: str, **status: Any) -> Object:
    """Merge-patch the status of the session `alices`."""
    body = {"status": status}
    return await cluster.merge_patch(SESSIONS, namespace, "alices", body, subresource="status")
