"""Pods of Games with `onClaim` are told whom they serve, once, before they do."""

from __future__ import annotations

from typing import Any

import pytest

from gamesession.plan.greeting import Greeting
from gamesession.plan.situation import Decision
from gamesession.plan.start import MAX_FAILURES, decide
from tests.unit.plan.objects import (
    Object,
    at,
    game,
    pod,
    ready_status,
    running,
    session,
    situation,
    status,
    stopped_pod,
    warm_pod,
    with_on_claim,
    written,
)

GREETS = game(**with_on_claim())
SERVING = pod(ready=True)
UID = SERVING["metadata"]["uid"]
NAME = SERVING["metadata"]["name"]
TOOK = {UID: Greeting()}
REFUSED = {UID: Greeting("HTTP status 503: full")}


def decided(found: Object, *pods: Object, now: float = 0, **fields: Any) -> Decision:
    return decide(situation(found, *pods, **({"of": GREETS} | fields)), at(now))


def greeted(decision: Decision) -> str:
    """Uid of the pod that is to be told."""
    return decision.greet.uid if decision.greet else ""


def claimed(name: str = "b", **fields: Any) -> Object:
    """A pod that waited for a user and was handed to Alice."""
    found = warm_pod(name, **({"ready": True} | fields))
    found["metadata"]["ownerReferences"] = SERVING["metadata"]["ownerReferences"]
    return found


STARTING = session(status=status("Starting", pod=SERVING, startingSince=at(0)))

# Told before it serves --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "found"),
    [(session(), SERVING), (STARTING, SERVING), (session(), claimed(uid=UID))],
    ids=["cold", "cold and told of", "warm"],
)
def test_a_pod_is_told_before_it_serves_and_nothing_is_written(
    before: Object, found: Object
) -> None:
    decision = decided(before, found)
    assert greeted(decision) == UID
    assert decision.status == {}
    assert decision.delete == ()
    assert decision.look_again == at(120)


@pytest.mark.parametrize("found", [SERVING, claimed(uid=UID)], ids=["cold", "warm"])
def test_a_pod_that_took_its_user_serves(found: Object) -> None:
    decision = decided(session(), found, greetings=TOOK)
    assert decision.greet is None
    after = written(session(), decision.status)
    assert (after["phase"], after["podUID"]) == ("Ready", UID)


def test_what_came_of_another_pod_says_nothing() -> None:
    decision = decided(session(), SERVING, greetings={"another": Greeting()})
    assert greeted(decision) == UID


@pytest.mark.parametrize("found", [pod(), pod(ip="10.0.0.1"), pod(ready=False, ready_since=0)])
def test_a_pod_that_is_not_ready_is_told_nothing(found: Object) -> None:
    assert decided(STARTING, found).greet is None


def test_without_the_hook_nobody_is_told() -> None:
    decision = decided(session(), SERVING, of=game())
    assert decision.greet is None
    assert decision.status["phase"] == "Ready"


def test_a_pod_that_has_served_knows_whom() -> None:
    before = ready_status(SERVING) | {"phase": "Starting"}
    decision = decided(session(status=before), SERVING)
    assert decision.greet is None
    assert decision.status["phase"] == "Ready"


def test_a_pod_that_serves_when_its_game_gets_the_hook_goes_on() -> None:
    assert decided(session(status=ready_status(SERVING)), SERVING) == Decision()


def test_a_replacement_is_told_and_until_it_took_its_user_the_session_is_not_ready() -> None:
    before = session(status=ready_status(pod(0, ready=True)))
    decision = decided(before, SERVING, now=9)
    assert greeted(decision) == UID
    after = written(before, decision.status)
    assert (after["phase"], after["podUID"], after.get("services")) == ("Starting", UID, None)
    assert decision.look_again == at(129)
    again = decided(session(status=after), SERVING, now=10)
    assert (greeted(again), again.status) == (UID, {})


def test_other_pods_go_meanwhile() -> None:
    decision = decided(STARTING, SERVING, pod(2))
    assert greeted(decision) == UID
    assert [each.attempt for each in decision.delete] == [2]


def test_a_pod_that_takes_longer_than_a_start_may_is_given_up() -> None:
    short = game(session={"startTimeout": "10s"}, **with_on_claim())
    decision = decided(STARTING, SERVING, now=10, of=short)
    assert decision.greet is None
    [condition] = decision.status["conditions"]
    assert (decision.status["phase"], condition["reason"]) == ("Failed", "StartTimeout")
    assert condition["message"] == f"Pod {NAME} had not answered spec.hooks.onClaim within 10s."


def test_a_pod_that_took_its_user_in_time_is_ready_however_late_that_is_seen() -> None:
    decision = decided(STARTING, SERVING, now=500, greetings=TOOK)
    assert decision.status["phase"] == "Ready"


# Refused ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "found"),
    [(session(), SERVING), (STARTING, SERVING), (session(), claimed(uid=UID))],
    ids=["cold", "cold and told of", "warm"],
)
def test_a_refusal_is_counted_and_the_pod_deleted(before: Object, found: Object) -> None:
    decision = decided(before, found, greetings=REFUSED, now=3)
    after, name = written(before, decision.status), found["metadata"]["name"]
    [condition] = after["conditions"]
    assert (after["phase"], after["failures"], after["podName"]) == ("Starting", 1, name)
    assert "podUID" not in after
    assert "services" not in after
    assert (condition["reason"], condition["message"]) == (
        "ClaimRefused",
        f"Pod {name} refused its claim (spec.hooks.onClaim). HTTP status 503: full",
    )
    assert [each.uid for each in decision.delete] == [UID]


@pytest.mark.parametrize("found", [SERVING, claimed(uid=UID)], ids=["cold", "warm"])
def test_a_refusal_is_counted_once_though_the_pod_lives_on(found: Object) -> None:
    """The operator was killed before it could delete it, or its outcome is still known."""
    after = written(session(), decided(session(), found, greetings=REFUSED).status)
    for known in ({}, REFUSED):
        decision = decided(session(status=after), found, greetings=known, now=1)
        assert (decision.greet, decision.status) == (None, {})
        assert decision.create is not None
        assert [each.uid for each in decision.delete] == [UID]


def test_the_next_pod_is_tried_at_once() -> None:
    after = written(session(), decided(session(), SERVING, greetings=REFUSED).status)
    going = pod(ready=True, deleting=30)
    assert decided(session(status=after), going).create == 2
    assert greeted(decided(session(status=after), going, claimed())) == "uid-of-warm-b"


def test_the_fifth_refusal_is_the_last_and_the_pods_log_tells_more() -> None:
    before = session(
        status=status("Starting", pod=SERVING, startingSince=at(0), failures=MAX_FAILURES - 1)
    )
    found = pod(ready=True, containers=[running()])
    decision = decided(before, found, greetings=REFUSED)
    assert (decision.status["phase"], decision.status["failures"]) == ("Failed", MAX_FAILURES)
    assert decision.status["conditions"][0]["reason"] == "ClaimRefused"
    assert decision.log_of is not None
    assert decision.log_of[1] == "agent"


def test_what_was_said_of_it_stands_until_the_next_pod_serves() -> None:
    after = written(session(), decided(session(), SERVING, greetings=REFUSED).status)
    decision = decided(session(status=after), claimed())
    assert (greeted(decision), decision.status) == ("uid-of-warm-b", {})
    served = decided(
        session(status=after), claimed(), greetings={"uid-of-warm-b": Greeting()}
    ).status
    assert (served["phase"], served["failures"], served["restarts"]) == ("Ready", 0, 1)


def test_a_pod_that_waited_and_stops_while_it_is_told_is_counted() -> None:
    """Else one whose onClaim ends the process would cost one pod after the other, unseen."""
    stopped = claimed()
    stopped["status"] = stopped_pod(finished=1)["status"]
    decision = decided(session(), stopped, now=1)
    after = written(session(), decision.status)
    assert (after["phase"], after["failures"]) == ("Starting", 1)
    again = decided(session(status=after), stopped, now=1)
    assert (again.status, again.create) == ({}, None)
    assert decided(session(status=after), stopped, now=2).create is not None
