"""Handing a waiting pod to a session, in one write that happens whole or not at all."""

from __future__ import annotations

from typing import Any

from gamesession.api.labels import (
    PLAYER_ANNOTATION,
    ROLE_LABEL,
    ROLE_SESSION,
    ROLE_WARM,
    SAFE_TO_EVICT_ANNOTATION,
    SESSION_LABEL,
)
from gamesession.plan.pod import Pod
from gamesession.plan.session import Session
from gamesession.plan.template import owner


def claim_patch(pod: Pod, game_uid: str, session: Session) -> list[dict[str, Any]]:
    """The JSON Patch (RFC 6902) by which a session gets a warm pod.

    It tests uid, role and owner rather than the resource version, which would lose good pods to
    the kubelet's status writes; and it replaces the owner references, for a strategic merge would
    leave two controllers.

    Args:
        game_uid: uid of the Game that owns the pod while it waits.
    """
    return [
        {"op": "test", "path": "/metadata/uid", "value": pod.uid},
        {"op": "test", "path": _label(ROLE_LABEL), "value": ROLE_WARM},
        {"op": "test", "path": "/metadata/ownerReferences/0/uid", "value": game_uid},
        {
            "op": "replace",
            "path": "/metadata/ownerReferences",
            "value": [owner("GameSession", session.name, session.uid)],
        },
        {"op": "replace", "path": _label(ROLE_LABEL), "value": ROLE_SESSION},
        {"op": "add", "path": _label(SESSION_LABEL), "value": session.name},
        {"op": "add", "path": _annotation(PLAYER_ANNOTATION), "value": session.player},
        {"op": "add", "path": _annotation(SAFE_TO_EVICT_ANNOTATION), "value": "false"},
    ]


def _label(name: str) -> str:
    return f"/metadata/labels/{_escaped(name)}"


def _annotation(name: str) -> str:
    return f"/metadata/annotations/{_escaped(name)}"


def _escaped(name: str) -> str:
    """A key as a JSON Pointer writes it (RFC 6901)."""
    return name.replace("~", "~0").replace("/", "~1")
