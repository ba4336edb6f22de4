"""The four phases of a session, as patches of its status."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from gamesession.api.address import address
from gamesession.plan.game import Game
from gamesession.plan.pod import Pod
from gamesession.plan.session import FAILED, PENDING, READY, STARTING, Session
from gamesession.plan.status import Fields, status_patch

POD_STARTING: Final = "PodStarting"
POD_NOT_READY: Final = "PodNotReady"
CLOSING: Final = "PreviousPodClosing"
IN_BETWEEN: Final = (POD_STARTING, POD_NOT_READY, CLOSING)
"""Reasons that say how a start goes, and not why it does not."""
QUOTA_EXCEEDED: Final = "QuotaExceeded"
POD_FORBIDDEN: Final = "PodForbidden"
REFUSED: Final = (QUOTA_EXCEEDED, POD_FORBIDDEN)
"""Reasons for which a session waits though it is its turn: its pod was refused."""

_NO_POD = {"podUID": None, "podIP": None, "services": None}


def pending(session: Session, now: datetime, reason: str, message: str) -> Fields:
    """No pod yet, and it waits for one."""
    return status_patch(
        session, now, phase=PENDING, reason=reason, message=message, startingSince=None, **_NO_POD
    )


def starting(session: Session, now: datetime, reason: str, message: str, **fields: Any) -> Fields:
    """A pod is on its way. `startingSince` is the last turn to this phase; given as `None`, it is
    not yet time that the start takes."""
    turned = session.phase != STARTING or session.starting_since is None
    fields.setdefault("startingSince", now if turned else session.starting_since)
    return status_patch(session, now, phase=STARTING, reason=reason, message=message, **fields)


def without_pod(
    session: Session, now: datetime, reason: str, message: str, **fields: Any
) -> Fields:
    """Starting, and gateways let go of the pod before. `podName` stays: it says which pod has
    been counted, and which number the next one gets."""
    return starting(session, now, reason, message, **_NO_POD, **fields)


def refusal_of(message: str) -> str:
    """The reason for which the API server would not have a pod (403), from its words."""
    return QUOTA_EXCEEDED if "exceeded quota" in message else POD_FORBIDDEN


def bound(session: Session, pod: Pod, now: datetime) -> Fields:
    """The fields that bind a pod to the session; empty if it is bound already."""
    if session.pod_uid == pod.uid:
        return {}
    return {
        "podName": pod.name,
        "podUID": pod.uid,
        "podIP": pod.ip,
        "services": None,
        "startKind": pod.start or "Cold",
        # A pod that waited for its user lived longer than the session does.
        "startedAt": session.started_at or max(pod.created_at, session.created_at),
        "restarts": session.restarts + (1 if session.started_at else 0),
    }


def ready(session: Session, game: Game, pod: Pod, now: datetime) -> Fields:
    """The pod serves. Unknown activity begins now, and a start that took long is no idleness.

    Ports are those that the pod was made with: an edit of the Game is for the pods that come after.
    """
    fields = bound(session, pod, now)
    if fields or not session.services or session.pod_ip != pod.ip:
        ports = pod.ports or game.ports
        services = {name: address(pod.ip, port) for name, port in ports.items()}
        fields |= {"podIP": pod.ip, "services": services}
    if session.phase != READY:
        fields |= {"readyAt": now, "failures": 0}
    if session.ready_at is None or session.last_activity is None:
        fields["lastActivity"] = max(session.last_activity or now, now)
    message = f"Pod {pod.name} serves."
    return status_patch(session, now, phase=READY, reason="PodReady", message=message, **fields)


def failed(session: Session, now: datetime, reason: str, message: str, **fields: Any) -> Fields:
    """Over: nothing is tried any more, and the object goes after two minutes."""
    return status_patch(
        session,
        now,
        phase=FAILED,
        reason=reason,
        message=message,
        failedAt=session.failed_at or now,
        **_NO_POD,
        **fields,
    )
