"""What is written into a GameSession's status."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gamesession.api.conditions import MAX_MESSAGE, Condition
from gamesession.plan.session import Session
from gamesession.plan.status import Fields, status_patch
from tests.unit.plan.objects import a_session, at, pod, ready_status, second, session, status, text


def patch(before: Session, *, now: float = 60, phase: str = "Pending", **fields: Any) -> Fields:
    told = {"reason": "PodStarting", "message": "Said before."} | fields
    return status_patch(before, at(now), phase=phase, **told)


def test_what_stands_there_is_not_written_again() -> None:
    before = a_session(status=status("Pending"))
    assert patch(before) == {}


def test_a_first_status_says_phase_generation_and_why() -> None:
    found = patch(a_session())
    assert found == {
        "phase": "Pending",
        "observedGeneration": 1,
        "conditions": [
            {
                "type": "Ready",
                "status": "False",
                "reason": "PodStarting",
                "message": "Said before.",
                "lastTransitionTime": second(60),
                "observedGeneration": 1,
            }
        ],
    }


def test_another_reason_leaves_the_time_of_the_last_turn() -> None:
    """`lastTransitionTime` is when `status` changed, not `reason`."""
    before = a_session(status=status("Pending", since=5))
    [condition] = patch(before, reason="AwaitingCapacity")["conditions"]
    assert condition["lastTransitionTime"] == second(5)


def test_a_turn_of_the_condition_sets_its_time() -> None:
    before = a_session(status=status("Pending", since=5))
    [condition] = patch(before, phase="Ready", reason="PodReady")["conditions"]
    assert (condition["status"], condition["lastTransitionTime"]) == ("True", second(60))


def test_a_new_generation_is_acknowledged() -> None:
    changed = session(status=status("Pending"))
    changed["metadata"]["generation"] = 2
    found = patch(Session.from_object(changed))
    assert found["observedGeneration"] == 2
    assert found["conditions"][0]["observedGeneration"] == 2


def test_times_are_written_to_the_microsecond() -> None:
    found = patch(a_session(), readyAt=at(1.000002))
    assert found["readyAt"] == text(1.000002) == "2026-01-31T12:00:01.000002Z"


def test_a_field_that_is_there_is_removed_by_null_and_one_that_is_not_left_out() -> None:
    before = a_session(status=ready_status(pod(ready=True)))
    gone = patch(before, podUID=None, podIP="", services={})
    assert (gone["podUID"], gone["podIP"], gone["services"]) == (None, None, None)
    assert patch(a_session(status=status("Pending")), podUID=None, podIP="", services={}) == {}


def test_a_service_that_is_no_more_is_removed_from_the_others() -> None:
    """A merge patch leaves the members of a map that it does not name: one would keep the address
    of a pod that is gone, and that may be another user's by now."""
    before = a_session(status=ready_status(pod(ready=True)))
    found = patch(before, services={"table": "10.0.0.2:8001"})
    assert found["services"] == {"agent": None, "table": "10.0.0.2:8001"}


@pytest.mark.parametrize(
    "words",
    ["ImagePullBackOff", "0x2", "exit status 1", "", "über", "9", "_", "A" * 5000, "Error: no"],
)
def test_whatever_a_runtime_says_becomes_a_reason_that_the_api_server_takes(words: str) -> None:
    """Else the whole status would be refused, again and again, and the session were stuck."""
    [condition] = patch(a_session(), reason=words)["conditions"]
    assert re.fullmatch(r"[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?", condition["reason"])
    assert len(condition["reason"]) <= 1024


@given(reason=st.text(), message=st.text(max_size=20) | st.text("é", min_size=5000, max_size=5000))
def test_every_condition_is_one_that_the_crd_allows(reason: str, message: str) -> None:
    [condition] = patch(a_session(), reason=reason, message=message)["conditions"]
    Condition.model_validate(condition)
    assert len(condition["message"]) <= MAX_MESSAGE
