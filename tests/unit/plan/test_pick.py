"""A session that has no pod: what keeps it from one, or the number of the one to make."""

from __future__ import annotations

from typing import Any

import pytest

from gamesession.plan.game import Acceptance
from gamesession.plan.pick import pick
from gamesession.plan.situation import Decision
from gamesession.plan.start import decide
from tests.unit.plan.objects import (
    DISRUPTED,
    Object,
    at,
    game,
    pod,
    ready_status,
    session,
    situation,
    status,
    stopped_pod,
    warm_pod,
    with_on_close,
    written,
)

POD = pod(ready=True)
SAVING = game(**with_on_close("10s"))


def decided(session: Object, *pods: Object, now: float = 0, **fields: Any) -> Decision:
    return pick(situation(session, *pods, **fields), at(now))


def told(before: Object, decision: Decision) -> tuple[str, str, str]:
    """Phase, reason and message once the decision's status is written."""
    found = written(before, decision.status)
    [condition] = found["conditions"]
    return found["phase"], condition["reason"], condition["message"]


def starting(failures: int = 0, **fields: Any) -> Object:
    """A session whose first pod has been counted and let go of."""
    told: Object = {"startingSince": at(0), "reason": "Error", "failures": failures} | fields
    return session(status=status("Starting", pod=POD, bound=False, **told))


# Waiting ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        pytest.param({"no_game": True}, "GameNotFound", id="no such Game"),
        pytest.param({"of": game(deleting=True)}, "GameNotFound", id="the Game is being deleted"),
        pytest.param({"of": game(suspend=True)}, "GameSuspended", id="no new sessions"),
        pytest.param({"acceptance": Acceptance.UNKNOWN}, "AwaitingAcceptance", id="not judged yet"),
        pytest.param(
            {"has_turn": False, "of": game(limits={"maxSessions": 2})},
            "AwaitingCapacity",
            id="others came first",
        ),
    ],
)
def test_it_waits(fields: dict[str, Any], reason: str) -> None:
    decision = decided(session(), **fields)
    assert decision.create is None
    assert told(session(), decision)[:2] == ("Pending", reason)


def test_the_message_says_what_it_waits_for() -> None:
    full = decided(session(), has_turn=False, of=game(limits={"maxSessions": 2}))
    assert "may have 2 sessions with a pod at once" in told(session(), full)[2]
    quota = decided(
        session(), acceptance=Acceptance.UNKNOWN, acceptance_message="exceeded quota: few"
    )
    assert told(session(), quota)[2] == "Game chess is not accepted: exceeded quota: few"


def test_a_game_that_is_not_accepted_fails_new_sessions() -> None:
    decision = decided(
        session(), acceptance=Acceptance.FALSE, acceptance_message="image: Required value"
    )
    words = "Game chess is not accepted: image: Required value"
    assert told(session(), decision) == ("Failed", "GameNotAccepted", words)


def test_a_running_session_of_a_suspended_game_gets_its_pod_replaced() -> None:
    lost = session(status=ready_status(POD))
    assert decided(lost, of=game(suspend=True)).create == 2


# Which number -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("found", "pods", "number"),
    [
        pytest.param(session(), [], 1, id="the first"),
        pytest.param(session(status=ready_status(POD)), [], 2, id="the one it had is gone"),
        pytest.param(
            session(status=ready_status(POD)), [pod(1, deleting=30)], 2, id="it is on its way out"
        ),
        pytest.param(
            session(status=ready_status(pod(4, ready=True))),
            [pod(2, deleting=30)],
            5,
            id="an older one takes longer to go",
        ),
        pytest.param(
            session(status=ready_status(POD)),
            [pod(7, deleting=30)],
            8,
            id="one that nobody told of",
        ),
    ],
)
def test_the_number_is_one_more_than_any_before(
    found: Object, pods: list[Object], number: int
) -> None:
    assert decided(found, *pods).create == number


# After a failure --------------------------------------------------------------------------------


@pytest.mark.parametrize(("failures", "seconds"), [(1, 1), (2, 2), (3, 4), (4, 8)])
def test_the_next_pod_comes_later_each_time(failures: int, seconds: int) -> None:
    counted = starting(failures)
    early = decided(counted, stopped_pod(finished=20), now=20 + seconds - 0.1)
    assert (early.create, early.look_again) == (None, at(20 + seconds))
    assert early.delete == (), "what is left of it keeps the place, and tells when it stopped"
    due = decided(counted, stopped_pod(finished=20), now=20 + seconds)
    assert due.create == 2
    assert [each.attempt for each in due.delete] == [1]


def test_an_operator_that_was_restarted_waits_for_no_longer() -> None:
    """The stop stands in the pod, the count in the session: nothing else is remembered."""
    assert decided(starting(4), stopped_pod(finished=20), now=60).create == 2


def test_a_lost_pod_is_replaced_at_once() -> None:
    lost = pod(created=-100, conditions=[DISRUPTED])
    decision = decided(starting(), lost, now=20)
    assert decision.create == 2
    assert [each.attempt for each in decision.delete] == [1]


def test_pods_that_are_lost_as_soon_as_they_are_made_come_no_faster_than_one_in_a_second() -> None:
    """A node that evicts whatever it gets is no failure of the game, and no reason for a storm."""
    lost = pod(created=20, phase="Failed", reason="Evicted")
    assert decided(starting(), lost, now=20.2).look_again == at(21)
    assert decided(starting(), lost, now=21).create == 2


# Too late ---------------------------------------------------------------------------------------

SHORT = game(session={"startTimeout": "10s"})


def test_a_start_that_used_up_its_time_fails_with_the_last_pods_own_words() -> None:
    counted = starting(2, reason="OOMKilled", message="Container agent stopped.")
    decision = decided(counted, stopped_pod(finished=9), now=10, of=SHORT)
    assert told(counted, decision) == ("Failed", "OOMKilled", "Container agent stopped.")


def test_it_fails_with_the_reason_why_pods_were_lost() -> None:
    counted = starting(reason="Evicted", message="The node was low on memory.")
    decision = decided(counted, now=10, of=SHORT)
    assert told(counted, decision)[:2] == ("Failed", "Evicted")


@pytest.mark.parametrize("reason", ["PodStarting", "PodNotReady", "PreviousPodClosing"])
def test_what_was_said_in_between_is_no_reason(reason: str) -> None:
    counted = starting(1, reason=reason)
    decision = decided(counted, now=10, of=SHORT)
    words = "No pod was ready within 10s."
    assert told(counted, decision) == ("Failed", "StartTimeout", words)


def test_a_status_without_words_is_no_obstacle() -> None:
    counted = starting(1)
    del counted["status"]["conditions"]
    assert told(counted, decided(counted, now=10, of=SHORT))[1] == "StartTimeout"


def test_it_does_not_wait_for_a_pod_that_would_come_too_late() -> None:
    decision = decided(starting(4), stopped_pod(finished=5), now=6, of=SHORT)
    assert decision.look_again == at(10), "not at 13, when the next pod would be due"


# onClose ----------------------------------------------------------------------------------------

OLD_LIFE = session(uid="uid-of-the-life-before")


@pytest.mark.parametrize(
    ("now", "creates"),
    [
        pytest.param(0, None, id="it is saving"),
        pytest.param(39.9, None, id="it may still be"),
        pytest.param(40, 1, id="10 s after its deletionTimestamp nobody waits any longer"),
    ],
)
def test_the_next_life_waits_for_the_pod_before(now: float, creates: int | None) -> None:
    leaving = pod(of=OLD_LIFE, deleting=30)
    decision = decided(session(), previous=[leaving], of=SAVING, now=now)
    assert decision.create == creates
    if creates is None:
        assert told(session(), decision)[:2] == ("Pending", "PreviousPodClosing")
        assert decision.look_again == min(at(now + 1), at(40))


def test_the_next_life_starts_at_once_when_the_pod_before_is_gone() -> None:
    assert decided(session(), of=SAVING).create == 1


def test_without_the_hook_nobody_waits() -> None:
    assert decided(session(), previous=[pod(of=OLD_LIFE, deleting=30)]).create == 1


def test_a_pod_that_the_collector_is_about_to_delete_is_waited_for() -> None:
    decision = decided(session(), previous=[pod(of=OLD_LIFE)], of=SAVING, now=4)
    assert decision.create is None
    assert decision.delete == ()


def test_one_that_the_collector_forgot_is_deleted() -> None:
    decision = decided(session(), previous=[pod(of=OLD_LIFE)], of=SAVING, now=5)
    assert decision.create is None
    assert [each.uid for each in decision.delete] == ["uid-of-the-life-before-pod-1"]


def test_a_replacement_waits_for_the_pod_it_replaces_and_gateways_let_go_of_that() -> None:
    before = session(status=ready_status(POD))
    decision = decided(before, pod(deleting=30), of=SAVING)
    assert decision.create is None
    assert decision.status["podUID"] is None
    assert told(before, decision)[:2] == ("Starting", "PreviousPodClosing")


def test_the_time_that_the_pod_before_takes_is_not_the_starts() -> None:
    """`startTimeout` counts when a start can begin, or a slow save would fail the session."""
    slow = game(session={"startTimeout": "10s"}, **with_on_close("60s"))
    first = decided(session(status=ready_status(POD)), pod(deleting=65), of=slow)
    assert first.status["startingSince"] is None
    waiting = session(status=status("Starting", pod=POD, bound=False, reason="PreviousPodClosing"))
    assert decided(waiting, now=60, of=slow).create == 2


def test_what_is_left_of_a_stopped_pod_is_let_go_of_before_the_next_one_comes() -> None:
    """With `onClose` another container of it may still save."""
    counted = starting(1)
    due = decided(counted, stopped_pod(finished=20), now=21, of=SAVING)
    assert due.create is None
    assert [each.attempt for each in due.delete] == [1]
    leaving = stopped_pod(finished=20, deleting=51)
    assert decided(counted, leaving, now=22, of=SAVING).create is None
    assert decided(counted, now=23, of=SAVING).create == 2


def test_a_failure_that_was_counted_before_a_waiting_pod_was_named_is_not_counted_again() -> None:
    """The pod that waited has no number to tell which came first; how many there were does."""
    named = warm_pod("b", ready=True)
    counted = status("Starting", pod=named, bound=False, restarts=1, failures=2, reason="Error")
    found = decide(situation(session(status=counted), stopped_pod(1, finished=-60)), at(0))
    assert (found.create, found.status) == (3, {})
    assert [pod.attempt for pod in found.delete] == [1]


def test_a_failure_of_one_that_came_after_a_waiting_pod_is_counted() -> None:
    named = warm_pod("b", ready=True)
    counted = status("Starting", pod=named, bound=False, failures=1, reason="Error")
    first = decide(situation(session(status=counted)), at(0))
    assert first.create == 2
    found = decide(situation(session(status=counted), stopped_pod(2)), at(0))
    assert found.status["failures"] == 2
