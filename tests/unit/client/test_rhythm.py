"""When activity is written, and when a request must wait for it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from gamesession.api.instant import format_instant
from gamesession.client.rhythm import is_fresh, rhythm_of
from gamesession.plan.session import Session

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)


def ago(seconds: float) -> str:
    return format_instant(NOW - timedelta(seconds=seconds))


def session(idle: str = "100s", created: float = 1000, **status: Any) -> Session:
    return Session.from_object(
        {
            "metadata": {
                "namespace": "n",
                "name": "s",
                "uid": "u",
                "resourceVersion": "1",
                "creationTimestamp": ago(created),
            },
            "spec": {"user": "alice", "game": "chess", "idleTimeout": idle},
            "status": status,
        }
    )


@pytest.mark.parametrize(
    ("status", "interval", "counts"),
    [
        ({"phase": "Ready", "readyAt": ago(50), "lastActivity": ago(50)}, 10, True),
        ({"phase": "Starting", "readyAt": ago(50), "lastActivity": ago(50)}, 10, True),
        ({"phase": "Starting"}, 10, False),
        ({"phase": "Failed", "readyAt": ago(50)}, 10, False),
        ({"phase": "Pending"}, 20, True),
        ({}, 20, True),
    ],
)
def test_a_tenth_of_the_timeout_or_20_seconds_while_pending(
    status: dict[str, Any], interval: float, counts: bool
) -> None:
    found = session(**status)
    rhythm = rhythm_of(found, None, found.last_activity)
    assert (rhythm.interval, rhythm.counts) == (timedelta(seconds=interval), counts)


def test_a_pending_session_counts_from_its_creation() -> None:
    assert rhythm_of(session(created=7), None, None).last == NOW - timedelta(seconds=7)
    five_ago = NOW - timedelta(seconds=5)
    assert rhythm_of(session(created=70), None, five_ago).last == five_ago


@pytest.mark.parametrize(
    ("age", "fresh"), [(0, True), (79.9, True), (80, True), (80.1, False), (200, False), (-5, True)]
)
def test_beyond_four_fifths_of_the_timeout_the_write_comes_first(age: float, fresh: bool) -> None:
    found = session(phase="Ready", readyAt=ago(500), lastActivity=ago(age))
    assert is_fresh(found, None, found.last_activity, NOW) is fresh


def test_unknown_activity_ends_nothing_so_nothing_waits_for_it() -> None:
    assert is_fresh(session(phase="Ready", readyAt=ago(500)), None, None, NOW)
    found = session(phase="Starting", lastActivity=ago(500))
    assert is_fresh(found, None, found.last_activity, NOW)
