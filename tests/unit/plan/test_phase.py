"""The four phases of a session, as patches of its status."""

from __future__ import annotations

from typing import Any

import pytest

from gamesession.plan import phase
from gamesession.plan.pod import Pod
from gamesession.plan.session import Session
from gamesession.plan.status import Fields
from tests.unit.plan.objects import (
    Object,
    a_game,
    a_pod,
    a_session,
    at,
    pod,
    ready_status,
    status,
    text,
)

POD = pod(ready=True)
NEXT = pod(2, ready=True, ip="10.0.0.2")
NOW = at(60)


def without_condition(patch: Fields) -> Fields:
    return {name: value for name, value in patch.items() if name != "conditions"}


def reason_of(patch: Fields) -> str:
    [condition] = patch["conditions"]
    return str(condition["reason"])


# Pending ----------------------------------------------------------------------------------------


def test_a_session_that_waits_has_no_pod() -> None:
    found = phase.pending(a_session(status=ready_status(POD)), NOW, "QuotaExceeded", "Full.")
    assert without_condition(found) == {
        "phase": "Pending",
        "podUID": None,
        "podIP": None,
        "services": None,
        "startingSince": None,
    }
    assert reason_of(found) == "QuotaExceeded"


def test_waiting_on_is_not_written_again() -> None:
    waiting = a_session(status=status("Pending", reason="QuotaExceeded", message="Full."))
    assert phase.pending(waiting, NOW, "QuotaExceeded", "Full.") == {}


# Starting ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "before",
    [
        pytest.param(a_session(), id="new"),
        pytest.param(a_session(status=status("Pending")), id="its turn has come"),
        pytest.param(a_session(status=ready_status(POD)), id="its pod was lost"),
        pytest.param(a_session(status=status("Starting")), id="its clock was stopped"),
    ],
)
def test_a_turn_to_starting_starts_the_clock(before: Session) -> None:
    assert phase.starting(before, NOW, "PodStarting", "")["startingSince"] == text(60)


def test_the_clock_runs_on_while_pods_come_and_go() -> None:
    before = a_session(status=status("Starting", startingSince=at(5)))
    assert "startingSince" not in phase.starting(before, NOW, "Error", "")
    assert "startingSince" not in phase.without_pod(before, NOW, "Error", "")


def test_gateways_let_go_of_a_pod_that_is_no_use_but_its_name_stays() -> None:
    """The name says which pod has been counted, and which number the next one gets."""
    found = phase.without_pod(a_session(status=ready_status(POD)), NOW, "Error", "", failures=1)
    assert without_condition(found) == {
        "phase": "Starting",
        "startingSince": text(60),
        "podUID": None,
        "podIP": None,
        "services": None,
        "failures": 1,
    }


# Bound ------------------------------------------------------------------------------------------


def test_a_first_pod_begins_the_life() -> None:
    found = phase.bound(a_session(), a_pod(created=7), NOW)
    assert found["startedAt"] == at(7), "from the creation of the first pod"
    assert found["restarts"] == 0
    assert found["startKind"] == "Cold"
    assert (found["podName"], found["podUID"]) == (a_pod().name, a_pod().uid)


def test_another_pod_is_counted_as_a_replacement() -> None:
    before = a_session(status=ready_status(POD) | {"restarts": 3})
    found = phase.bound(before, a_pod(2, created=50), NOW)
    assert found["restarts"] == 4
    assert found["startedAt"] == at(0), "the life goes on"
    assert found["services"] is None, "until it serves, nobody knows where"


def test_a_bound_pod_stays_bound() -> None:
    assert phase.bound(a_session(status=ready_status(POD)), a_pod(ready=True), NOW) == {}


# Ready ------------------------------------------------------------------------------------------


def ready(before: Object | None, serving: Object = POD, now: float = 60, **game: Any) -> Fields:
    session = a_session(status=before)
    return phase.ready(session, a_game(**game), Pod.from_object(serving), at(now))


def test_a_session_is_ready_for_the_first_time() -> None:
    found = ready(status("Starting", pod=POD, startingSince=at(1)))
    assert without_condition(found) == {
        "phase": "Ready",
        "services": {"agent": "10.0.0.1:8001"},
        "readyAt": text(60),
        "lastActivity": text(60),
    }
    assert reason_of(found) == "PodReady"


def test_a_pod_that_was_ready_before_anyone_looked_takes_one_write() -> None:
    found = ready(None)
    assert found["phase"] == "Ready"
    assert found["podUID"] == POD["metadata"]["uid"]
    assert found["startedAt"] == text(0)


def test_nothing_is_written_of_a_session_that_goes_on_serving() -> None:
    assert ready(ready_status(POD, active=30)) == {}


def test_a_start_that_took_long_is_no_idleness() -> None:
    """Activity from before it was Ready counts as none: its user could not use it."""
    found = ready(status("Starting", pod=POD, lastActivity=at(5)))
    assert found["lastActivity"] == text(60)


def test_a_stamp_from_a_clock_that_is_ahead_is_left_alone() -> None:
    """It moves forward only, or the API server would refuse the whole status."""
    assert "lastActivity" not in ready(status("Starting", pod=POD, lastActivity=at(600)))


def test_being_ready_again_is_no_activity() -> None:
    before = ready_status(POD, active=5) | {"phase": "Starting", "failures": 2}
    found = ready(before)
    assert "lastActivity" not in found
    assert found["readyAt"] == text(60)
    assert found["failures"] == 0, "counted since it was last Ready"


def test_another_pod_serves_in_the_place_of_the_first() -> None:
    found = ready(ready_status(POD), NEXT)
    assert found["podUID"] == NEXT["metadata"]["uid"]
    assert found["services"] == {"agent": "10.0.0.2:8001"}
    assert found["restarts"] == 1


def test_ports_stay_as_they_were_bound() -> None:
    moved = [{"name": "agent", "port": 9999}]
    assert ready(ready_status(POD), services=moved) == {}
    replaced = ready(ready_status(POD), NEXT, services=moved)
    assert replaced["services"] == {"agent": "10.0.0.2:9999"}


def test_an_ipv6_address_is_written_so_that_its_port_can_be_told() -> None:
    found = ready(None, pod(ready=True, ip="fd00::7"))
    assert found["services"] == {"agent": "[fd00::7]:8001"}
    assert found["podIP"] == "fd00::7"


# Failed -----------------------------------------------------------------------------------------


def test_a_failed_session_has_no_pod_that_anyone_may_use() -> None:
    found = phase.failed(a_session(status=ready_status(POD)), NOW, "ErrImagePull", "No image.")
    assert without_condition(found) == {
        "phase": "Failed",
        "failedAt": text(60),
        "podUID": None,
        "podIP": None,
        "services": None,
    }
    assert reason_of(found) == "ErrImagePull"


def test_a_session_fails_once() -> None:
    before = a_session(status=status("Failed", failedAt=at(5)))
    assert "failedAt" not in phase.failed(before, NOW, "Error", "")
