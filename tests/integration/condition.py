"""Conditions and times as a test reads them from objects."""

from __future__ import annotations

from datetime import datetime, timedelta

from gamesession.api.instant import parse_instant
from gamesession.kube.cluster import Object


def condition(found: Object, kind: str) -> Object | None:
    """A condition of an object, if it has it."""
    for each in found.get("status", {}).get("conditions", []):
        if each["type"] == kind:
            return dict(each)
    return None


def reason(status: Object) -> str:
    """The reason of a session's condition Ready."""
    return next((str(each["reason"]) for each in status.get("conditions", [])), "")


def message(status: Object) -> str:
    """The message of a session's condition Ready."""
    return next((str(each["message"]) for each in status.get("conditions", [])), "")


def seconds_between(stamp: str | datetime, later: str | datetime) -> float:
    """Seconds from one time to another, each as an object has it or as we took it."""
    first, second = (
        parse_instant(each) if isinstance(each, str) else each for each in (stamp, later)
    )
    return (second - first) / timedelta(seconds=1)
