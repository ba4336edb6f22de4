"""What is written into a GameSession's status: only what changes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from gamesession.api.conditions import MAX_MESSAGE
from gamesession.api.instant import format_instant
from gamesession.plan.session import Session

_NOT_IN_REASON = re.compile(r"^[^A-Za-z]+|[^A-Za-z0-9]")
"""Reasons come from kubelets and runtimes, too; a condition takes one word."""
_MAX_REASON = 128
"""As much as an Event takes; a condition would take more."""

Fields = dict[str, Any]
"""Fields of `status` by their names in the API; a value of `None` (or an empty one) removes."""


def status_patch(
    session: Session, now: datetime, *, phase: str, reason: str, message: str, **fields: Any
) -> Fields:
    """A merge patch of `status` that brings it to what is wanted; empty if it is there already.

    Args:
        reason, message: of the condition Ready, which is `True` in the phase `Ready`.
        fields: other fields by their API names; datetimes are written out.
    """
    wanted = {"phase": phase, "observedGeneration": session.generation}
    wanted |= {name: _written(value) for name, value in fields.items()}
    current = current_fields(session)
    patch: Fields = {
        name: _replacing(current[name], value)
        for name, value in wanted.items()
        if value != current[name]
    }
    condition = _condition(session, now, "True" if phase == "Ready" else "False", reason, message)
    if condition != dict(session.condition):
        patch["conditions"] = [condition]
    return patch


def current_fields(session: Session) -> Fields:
    """A session's status as far as we write it, by the names of the API."""
    instants = {
        "lastActivity": session.last_activity,
        "startedAt": session.started_at,
        "startingSince": session.starting_since,
        "readyAt": session.ready_at,
        "failedAt": session.failed_at,
    }
    return {
        "phase": session.phase,
        "podName": session.pod_name or None,
        "podUID": session.pod_uid or None,
        "podIP": session.pod_ip or None,
        "services": dict(session.services) or None,
        "startKind": session.start_kind or None,
        "restarts": session.restarts,
        "failures": session.failures,
        "observedGeneration": session.observed_generation,
        **{name: _written(instant) for name, instant in instants.items()},
    }


def _replacing(current: Any, wanted: Any) -> Any:
    """`wanted` as a merge patch needs it: of a map it would leave what it does not name."""
    if isinstance(current, dict) and isinstance(wanted, dict):
        return dict.fromkeys(current) | wanted
    return wanted


def _written(value: Any) -> Any:
    if isinstance(value, datetime):
        return format_instant(value)
    if isinstance(value, Mapping):
        return dict(value) or None
    return None if value == "" else value


def _condition(
    session: Session, now: datetime, status: str, reason: str, message: str
) -> dict[str, Any]:
    same = session.condition.get("status") == status
    since = session.condition.get("lastTransitionTime") if same else None
    return {
        "type": "Ready",
        "status": status,
        "reason": _NOT_IN_REASON.sub("", reason)[:_MAX_REASON] or "Unknown",
        "message": message[:MAX_MESSAGE],
        "lastTransitionTime": since or now.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "observedGeneration": session.generation,
    }
