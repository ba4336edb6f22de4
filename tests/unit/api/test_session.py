"""GameSessions as JSON has them, read and written."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from gamesession.api.session import GameSession, GameSessionSpec, GameSessionStatus

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)


def spec(**fields: Any) -> GameSessionSpec:
    return GameSessionSpec.model_validate({"user": "alice", "game": "fortune", **fields})


@given(st.text(st.characters(exclude_categories=["Cc", "Cs"]), min_size=1, max_size=253))
def test_a_user_is_any_text_without_control_characters(user: str) -> None:
    assert spec(user=user).user == user


@given(st.text(max_size=3), st.characters(categories=["Cc"]), st.text(max_size=3))
def test_a_user_with_a_control_character_is_refused(before: str, bad: str, after: str) -> None:
    with pytest.raises(ValidationError):
        spec(user=before + bad + after)


@pytest.mark.parametrize("user", ["", "ü" * 254, None, 5, "\ud800"])
def test_what_is_no_user_is_refused(user: Any) -> None:
    with pytest.raises(ValidationError):
        spec(user=user)


def test_characters_are_counted_not_bytes() -> None:
    assert len(spec(user="🎲" * 253).user.encode()) == 4 * 253


def test_an_idle_timeout_of_its_own_is_at_least_five_seconds() -> None:
    assert spec().idle_timeout is None
    assert spec(idleTimeout="5s").idle_timeout == timedelta(seconds=5)
    with pytest.raises(ValidationError, match="at least 5s"):
        spec(idleTimeout="4999ms")


def test_a_session_nobody_has_looked_at_is_pending() -> None:
    found = GameSession.model_validate({"metadata": {"name": "a"}, "spec": spec().to_object()})

    assert found.status.phase == "Pending"
    assert (found.status.restarts, found.status.failures, found.status.services) == (0, 0, {})
    assert found.status.last_activity is None


def test_its_status_is_written_by_the_names_of_the_contract() -> None:
    names = ["startedAt", "startingSince", "readyAt", "failedAt", "lastActivity"]
    written = {
        "phase": "Ready",
        "conditions": [],
        "podName": "fortune-abc-1",
        "podUID": "0a1b",
        "podIP": "10.0.0.1",
        "services": {"game": "10.0.0.1:8080"},
        "startKind": "Cold",
        **dict.fromkeys(names, "2026-01-31T12:00:00.000001Z"),
        "restarts": 1,
        "failures": 2,
        "observedGeneration": 3,
    }

    status = GameSessionStatus.model_validate(written)

    assert status.last_activity == NOON + timedelta(microseconds=1)
    assert status.to_object() == written


def test_a_status_of_a_newer_release_can_be_read() -> None:
    assert GameSessionStatus.model_validate({"phase": "Ready", "novelty": 1}).phase == "Ready"
