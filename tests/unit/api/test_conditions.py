"""Conditions: one of each type, and since when."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from pydantic import ValidationError

from gamesession.api.conditions import (
    MAX_MESSAGE,
    Condition,
    ConditionStatus,
    condition,
    set_condition,
)

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)


def ready(status: ConditionStatus, minute: int, reason: str = "Because") -> Condition:
    return Condition(
        type="Ready",
        status=status,
        reason=reason,
        message="words",
        last_transition_time=NOON + timedelta(minutes=minute),
    )


ACCEPTED = ready("True", 0).model_copy(update={"type": "Accepted"})


def test_a_new_type_comes_at_the_end() -> None:
    assert set_condition([ACCEPTED], ready("True", 1)) == (ACCEPTED, ready("True", 1))


def test_another_status_is_a_transition() -> None:
    assert set_condition([ready("False", 0), ACCEPTED], ready("True", 1)) == (
        ready("True", 1),
        ACCEPTED,
    )


def test_the_same_status_with_another_reason_is_none() -> None:
    [changed] = set_condition([ready("False", 0, "Slow")], ready("False", 1, "Slower"))

    assert changed.reason == "Slower"
    assert changed.last_transition_time == NOON


def test_what_was_given_stays_as_it_was() -> None:
    given = [ready("False", 0)]

    set_condition(given, ready("True", 1))

    assert given == [ready("False", 0)]


def test_is_found_by_its_type() -> None:
    assert condition([ACCEPTED, ready("True", 1)], "Ready") == ready("True", 1)
    assert condition([ACCEPTED], "Ready") is None


def test_is_written_as_kubernetes_writes_it() -> None:
    assert ready("True", 0).model_copy(update={"observed_generation": 3}).to_object() == {
        "type": "Ready",
        "status": "True",
        "reason": "Because",
        "message": "words",
        "lastTransitionTime": "2026-01-31T12:00:00.000000Z",
        "observedGeneration": 3,
    }


def test_words_without_end_are_cut() -> None:
    long = Condition.model_validate({**ready("True", 0).to_object(), "message": "x" * 100_000})

    assert len(long.message) == MAX_MESSAGE
    assert long.message.endswith("…")


@pytest.mark.parametrize("reason", ["", "two words", "1st", "ends:"])
def test_a_reason_is_a_word(reason: str) -> None:
    with pytest.raises(ValidationError):
        ready("True", 0, reason)
