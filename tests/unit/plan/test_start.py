"""From a session without a pod to one that is Ready, and back when its pod is lost."""

from __future__ import annotations

from typing import Any

import pytest

from gamesession.plan.game import Acceptance
from gamesession.plan.situation import Decision
from gamesession.plan.start import MAX_FAILURES, decide
from tests.unit.plan.objects import (
    DISRUPTED,
    UNSCHEDULED,
    Object,
    a_session,
    at,
    game,
    pod,
    ready_status,
    running,
    session,
    situation,
    status,
    stopped_pod,
    text,
    waiting,
    written,
)

POD = pod()
SERVING = pod(ready=True)
SHORT = game(session={"startTimeout": "10s"})


def decided(found: Object, *pods: Object, now: float = 0, **fields: Any) -> Decision:
    return decide(situation(found, *pods, **fields), at(now))


def told(before: Object, decision: Decision) -> tuple[str, str, str]:
    """Phase, reason and message once the decision's status is written."""
    found = written(before, decision.status)
    [condition] = found["conditions"]
    return found["phase"], condition["reason"], condition["message"]


def starting(of: Object = POD, **fields: Any) -> Object:
    """A session whose pod is on its way."""
    default: Object = {"message": f"Pod {of['metadata']['name']} is starting."}
    return session(
        status=status("Starting", pod=of, **(default | {"startingSince": at(0)} | fields))
    )


def ready(of: Object = SERVING, **fields: Any) -> Object:
    """A session that has been Ready since noon."""
    return session(status=ready_status(of) | fields)


def deleted(decision: Decision) -> list[str]:
    return [each.uid for each in decision.delete]


NOTHING = Decision()


# The cold path, write by write ------------------------------------------------------------------


def test_a_new_session_gets_its_first_pod_without_a_word() -> None:
    assert decided(session()) == Decision(create=1)


def test_its_pod_is_told_of_when_it_is_seen() -> None:
    decision = decided(session(), POD)
    assert decision.create is None
    found = written(session(), decision.status)
    assert (found["phase"], found["podUID"]) == ("Starting", POD["metadata"]["uid"])
    assert found["startedAt"] == found["startingSince"] == text(0)
    assert decision.look_again == at(120), "when the start has taken too long"


def test_nothing_is_written_while_it_starts() -> None:
    decision = decided(starting(), POD, now=30)
    assert (decision.status, decision.create, decision.delete) == ({}, None, ())
    assert decision.look_again == at(120)


def test_a_ready_pod_makes_the_session_ready() -> None:
    decision = decided(starting(), SERVING, now=5)
    assert told(starting(), decision)[:2] == ("Ready", "PodReady")


def test_a_ready_pod_without_an_address_is_not_one_to_talk_to() -> None:
    nowhere = pod(ready=True)
    del nowhere["status"]["podIP"]
    assert "phase" not in decided(starting(), nowhere).status


def test_nothing_is_written_while_it_serves() -> None:
    assert decided(ready(), SERVING, now=3600) == NOTHING


def test_a_pod_that_is_ready_at_first_sight_takes_one_write() -> None:
    found = written(session(), decided(session(), SERVING).status)
    assert (found["phase"], found["podUID"]) == ("Ready", SERVING["metadata"]["uid"])


# What may not be --------------------------------------------------------------------------------


def test_nothing_is_done_for_a_session_that_is_being_deleted() -> None:
    assert decided(session(deleting=True)) == NOTHING
    assert decided(session(deleting=True), POD) == NOTHING


def test_a_duplicate_fails_and_names_the_first() -> None:
    first = a_session(uid="uid-of-the-first", name="the-first")
    decision = decided(session(), first=first)
    words = "GameSession the-first is the one of this user and game."
    assert told(session(), decision) == ("Failed", "Duplicate", words)


def test_the_first_itself_is_none() -> None:
    assert decided(session(), first=a_session()).create == 1


@pytest.mark.parametrize("own", ["2h1m", "24h"])
def test_an_idle_timeout_out_of_bounds_is_refused(own: str) -> None:
    asks = session(idleTimeout=own)
    phase, reason, message = told(asks, decided(asks))
    assert (phase, reason) == ("Failed", "IdleTimeoutOutOfBounds")
    bound = "is above the maxIdleTimeout of Game chess, 2h; choose a shorter one."
    assert message == f"spec.idleTimeout {own} {bound}"


def test_an_idle_timeout_at_the_bound_is_not() -> None:
    assert decided(session(idleTimeout="2h")).create == 1


def test_a_game_that_is_not_accepted_any_more_leaves_running_sessions_alone() -> None:
    assert decided(ready(), SERVING, acceptance=Acceptance.FALSE) == NOTHING
    assert decided(ready(), SERVING, of=game(suspend=True)) == NOTHING


def test_without_its_game_a_session_is_left_to_the_collector() -> None:
    assert decided(starting(), POD, no_game=True) == NOTHING


# Failed -----------------------------------------------------------------------------------------


def test_the_pods_of_a_failed_session_are_deleted_once_its_reason_stands() -> None:
    failed = session(status=status("Failed", pod=POD, bound=False))
    decision = decided(failed, POD, pod(2), pod(3, deleting=30))
    assert deleted(decision) == [POD["metadata"]["uid"], pod(2)["metadata"]["uid"]]
    assert decision.status == {}


def test_a_start_that_fails_keeps_its_pod_until_that() -> None:
    """The operator may be killed in between; without the pod nobody would know the reason."""
    decision = decided(starting(), pod(containers=[waiting("InvalidImageName")]))
    assert decision.status["phase"] == "Failed"
    assert decision.delete == ()


# Pods that cannot start -------------------------------------------------------------------------


def test_a_pod_that_never_can_start_fails_at_once_with_the_containers_reason() -> None:
    hopeless = pod(containers=[waiting("ErrImageNeverPull", "Image agent:1 is not present")])
    for before in (session(), starting()):
        assert told(before, decided(before, hopeless, now=1)) == (
            "Failed",
            "ErrImageNeverPull",
            "Container agent cannot start: Image agent:1 is not present",
        )


PULLING = pod(containers=[waiting("ErrImagePull", "not found")])


def test_a_reason_that_may_pass_is_told_while_it_may() -> None:
    decision = decided(starting(), PULLING, now=5)
    assert told(starting(), decision)[:2] == ("Starting", "ErrImagePull")
    assert decision.look_again == at(20)


def test_it_fails_soon_enough_for_who_waits_at_the_gateway() -> None:
    assert told(starting(), decided(starting(), PULLING, now=20))[:2] == ("Failed", "ErrImagePull")


def test_it_fails_no_later_than_the_start_times_out() -> None:
    decision = decided(starting(), PULLING, now=10, of=SHORT)
    assert told(starting(), decision)[:2] == ("Failed", "ErrImagePull")


def test_a_replacement_has_as_much_patience() -> None:
    late = pod(2, created=30, containers=[waiting("ErrImagePull")])
    again = starting(late, startingSince=at(0))
    assert decided(again, late, now=40).look_again == at(50)


def test_a_pod_that_served_has_the_same_patience_when_it_comes_back() -> None:
    """With `restartPolicy: Always` kubelet restarts it, after a pause: the pod is old, not the
    start."""
    again = pod(
        created=-3600,
        restart_policy="Always",
        ready_since=100,
        containers=[waiting("CrashLoopBackOff")],
    )
    before = starting(again, startingSince=at(110))
    decision = decided(before, again, now=115)
    assert told(before, decision)[0] == "Starting"
    assert decision.look_again == at(130)


def test_a_pod_that_nobody_can_place_waits_for_a_node_until_the_start_times_out() -> None:
    unplaced = pod(conditions=[UNSCHEDULED])
    decision = decided(starting(), unplaced, now=119)
    assert told(starting(), decision)[:2] == ("Starting", "Unschedulable")
    failed = decided(starting(), unplaced, now=120)
    assert told(starting(), failed) == (
        "Failed",
        "Unschedulable",
        "The pod cannot be scheduled: 0/3 nodes are available",
    )


def test_a_pod_that_runs_and_is_never_ready_times_out_with_its_log() -> None:
    silent = pod(ip="10.0.0.1", containers=[running()])
    decision = decided(starting(), silent, now=10, of=SHORT)
    name = silent["metadata"]["name"]
    words = f"Pod {name} was not ready within 10s."
    assert told(starting(), decision) == ("Failed", "StartTimeout", words)
    assert decision.log_of is not None
    assert (decision.log_of[0].name, decision.log_of[1]) == (name, "agent")


def test_a_pod_of_which_nothing_runs_has_no_log() -> None:
    assert decided(starting(), POD, now=10, of=SHORT).log_of is None


def test_a_start_that_was_ready_just_in_time_is_ready() -> None:
    """The operator may have been away when the time was up."""
    assert told(starting(), decided(starting(), SERVING, now=500))[0] == "Ready"


# Pods that stop ---------------------------------------------------------------------------------


def test_a_stopped_pod_is_counted_and_let_go_of() -> None:
    before = ready()
    decision = decided(before, stopped_pod(ready_since=50, finished=50), now=50)
    found = written(before, decision.status)
    assert (found["phase"], found["failures"]) == ("Starting", 1)
    assert found["startingSince"] == text(50)
    assert "podUID" not in found
    assert "services" not in found
    assert found["podName"] == SERVING["metadata"]["name"]
    assert decision.create is None
    assert decision.look_again is None
    assert decision.delete == (), "it tells when it stopped, until its successor is made"


def test_it_is_counted_once() -> None:
    before = ready()
    counted = session(status=written(before, decided(before, stopped_pod(), now=1).status))
    again = decided(counted, stopped_pod(), now=1)
    assert again.status == {}
    assert decided(counted, stopped_pod(), now=2).create == 2


def test_a_pod_that_stopped_before_anyone_was_told_of_it_is_counted_too() -> None:
    found = written(session(), decided(session(), stopped_pod()).status)
    assert (found["phase"], found["failures"]) == ("Starting", 1)
    assert found["podName"] == POD["metadata"]["name"]
    assert found["startedAt"] == text(0)
    assert "podUID" not in found


def test_its_successor_is_not_taken_for_it() -> None:
    counted = starting(stopped_pod(), bound=False, failures=1)
    found = written(counted, decided(counted, stopped_pod(), pod(2), now=3).status)
    assert found["podUID"] == pod(2)["metadata"]["uid"]
    assert (found["restarts"], found["failures"]) == (1, 1)


def test_when_its_successor_is_bound_what_is_left_of_it_goes() -> None:
    counted = starting(stopped_pod(), bound=False, failures=1)
    assert deleted(decided(counted, stopped_pod(), pod(2), now=3)) == [POD["metadata"]["uid"]]


def test_it_is_not_counted_again_when_its_successor_stopped_too() -> None:
    """The operator was killed before it could delete what was left of the first."""
    counted = starting(stopped_pod(2), bound=False, failures=2)
    decision = decided(counted, stopped_pod(), stopped_pod(2), now=0)
    assert decision.status == {}
    assert decided(counted, stopped_pod(), stopped_pod(2), now=2).create == 3


def test_nor_when_its_successor_is_gone() -> None:
    decision = decided(ready(pod(2, ready=True)), stopped_pod(), now=1)
    assert decision.status == {}
    assert decision.create == 3


def test_the_fifth_failure_in_a_row_is_the_last() -> None:
    before = starting(failures=MAX_FAILURES - 1)
    broke = stopped_pod(code=3, said="no cards")
    assert told(before, decided(before, broke)) == (
        "Failed",
        "Error",
        "Container agent stopped with exit code 3 (Error). Its last words: no cards",
    )
    assert written(before, decided(before, broke).status)["failures"] == MAX_FAILURES


def test_the_fourth_is_not() -> None:
    before = starting(failures=MAX_FAILURES - 2)
    assert told(before, decided(before, stopped_pod()))[0] == "Starting"


def test_the_log_of_a_container_that_left_no_last_words_is_read() -> None:
    """A `Failed` session says why with the end of its termination message or log."""
    before = starting(failures=MAX_FAILURES - 1)
    wordless = decided(before, stopped_pod())
    assert wordless.log_of is not None
    assert wordless.log_of[1] == "agent"
    eloquent = decided(before, stopped_pod(code=3, said="no cards"))
    assert eloquent.log_of is None


@pytest.mark.parametrize(
    "lost",
    [
        pytest.param(pod(ready=True, conditions=[DISRUPTED]), id="preempted, drained, a dead node"),
        pytest.param(pod(phase="Failed", reason="Evicted"), id="evicted"),
    ],
)
def test_a_pod_that_its_node_took_is_no_failure(lost: Object) -> None:
    before = ready()
    found = written(before, decided(before, lost, now=50).status)
    assert (found["phase"], found.get("failures", 0)) == ("Starting", 0)
    assert "podUID" not in found


def test_a_pod_that_was_deleted_by_hand_is_replaced_at_once() -> None:
    assert decided(ready(), now=50).create == 2
    assert decided(ready(), pod(ready=True, deleting=80), now=50).create == 2


# Pods that are not ready for a while ------------------------------------------------------------


@pytest.mark.parametrize("now", [50, 59.9])
def test_not_ready_for_a_moment_is_nothing(now: float) -> None:
    decision = decided(ready(), pod(ip="10.0.0.1", ready_since=50), now=now)
    assert (decision.status, decision.look_again) == ({}, at(60))


def test_not_ready_for_ten_seconds_is_starting_again() -> None:
    unready = pod(ip="10.0.0.1", ready_since=50)
    before = ready()
    decision = decided(before, unready, now=60)
    found = written(before, decision.status)
    assert told(before, decision)[:2] == ("Starting", "PodNotReady")
    assert found["podUID"] == unready["metadata"]["uid"], "it may come back"
    assert found["startingSince"] == text(60)


def test_it_comes_back() -> None:
    before = starting(SERVING, services={"agent": "10.0.0.1:8001"}, readyAt=at(0))
    found = written(before, decided(before, pod(ready=True, ready_since=70), now=70).status)
    assert (found["phase"], found["readyAt"]) == ("Ready", text(70))
    assert found.get("restarts", 0) == 0


def test_it_does_not_come_back() -> None:
    before = starting(SERVING, readyAt=at(0), startingSince=at(60))
    decision = decided(before, pod(ip="10.0.0.1", ready_since=50), now=70, of=SHORT)
    assert told(before, decision)[:2] == ("Failed", "StartTimeout")


# Several pods -----------------------------------------------------------------------------------


def test_of_several_pods_the_one_in_the_status_stays() -> None:
    """However they came to be, gateways use that one."""
    decision = decided(ready(pod(2, ready=True)), pod(1, ready=True), pod(2, ready=True), pod(3))
    assert deleted(decision) == [pod(1)["metadata"]["uid"], pod(3)["metadata"]["uid"]]
    assert decision.status == {}


def test_else_the_oldest() -> None:
    decision = decided(session(), pod(2, created=5), pod(1, created=9))
    assert decision.status["podUID"] == pod(2)["metadata"]["uid"]
    assert deleted(decision) == [pod(1)["metadata"]["uid"]]


@pytest.mark.parametrize(
    "kept",
    [
        pytest.param(pod(2, containers=[waiting("InvalidImageName")]), id="it cannot start"),
        pytest.param(pod(2, ip="10.0.0.1", ready_since=10), id="it is not ready"),
        pytest.param(stopped_pod(2), id="it stopped"),
        pytest.param(pod(2), id="it is on its way"),
    ],
)
def test_whatever_becomes_of_it(kept: Object) -> None:
    for before in (ready(pod(2, ready=True)), starting(kept)):
        decision = decided(before, kept, pod(1), now=15)
        gone = decision.status.get("phase") == "Failed" or deleted(decision)
        assert gone, "the others are deleted now, or with the failed session's pods"
