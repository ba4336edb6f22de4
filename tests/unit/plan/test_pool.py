"""How many pods wait for a user, and which ones: one look at one pool."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from gamesession.plan.pod import Pod
from gamesession.plan.pool import Failure, Pool, PoolDecision, claimable, decide_pool, least_needed
from tests.unit.plan.objects import (
    DISRUPTED,
    UNSCHEDULED,
    a_warm_pod,
    at,
    running,
    terminated,
    waiting,
)

NOW, OLD = "now", "old"


def ready(name: str, template: str = NOW, **fields: Any) -> Pod:
    return a_warm_pod(name, template=template, ready=True, **fields)


def starting(name: str, template: str = NOW, **fields: Any) -> Pod:
    return a_warm_pod(name, template=template, **fields)


def pool(size: int = 2, **fields: Any) -> Pool:
    given: dict[str, Any] = {"template_hash": NOW, "start_timeout": timedelta(seconds=60)}
    return Pool(size=size, **(given | fields))


def failure(count: int = 1, at_second: float = 0) -> Failure:
    return Failure(count, at(at_second), "Error", "No cards.")


def decided(of: Pool, *pods: Pod, now: float = 0) -> PoolDecision:
    return decide_pool(of, pods, at(now))


def names(pods: tuple[Pod, ...] | list[Pod]) -> list[str]:
    return [pod.name.removeprefix("chess-warm-") for pod in pods]


# How many ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("size", "pods", "create", "surplus"),
    [
        pytest.param(0, [], 0, [], id="none are wanted, none are there"),
        pytest.param(3, [], 3, [], id="all at once"),
        pytest.param(3, [ready("a")], 2, [], id="the missing ones"),
        pytest.param(2, [ready("a"), starting("b")], 0, [], id="one that starts counts"),
        pytest.param(2, [ready("a"), ready("b")], 0, [], id="it is full"),
        pytest.param(2, [ready("a"), ready("b", deleting=30)], 1, [], id="one leaves"),
        pytest.param(0, [ready("a"), starting("b")], 0, ["a", "b"], id="none are wanted any more"),
        pytest.param(1, [ready("a"), ready("b")], 0, ["b"], id="fewer are wanted"),
    ],
)
def test_as_many_wait_as_the_game_says(
    size: int, pods: list[Pod], create: int, surplus: list[str]
) -> None:
    decision = decided(pool(size), *pods)
    assert (decision.create, names(decision.surplus)) == (create, surplus)
    assert decision.failed == ()


def test_of_too_many_those_that_are_not_ready_go_first_and_then_the_young() -> None:
    pods = [
        starting("starts", created=-9),
        ready("young", created=-2),
        ready("old", created=-8),
        ready("older", created=-9),
    ]
    assert names(decided(pool(3), *pods).surplus) == ["starts"]
    assert names(decided(pool(2), *pods).surplus) == ["young", "starts"]
    assert names(decided(pool(1), *pods).surplus) == ["old", "young", "starts"]


def test_a_full_pool_that_is_ready_needs_no_other_look() -> None:
    assert decided(pool(1), ready("a")) == PoolDecision()


# Another template -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("pods", "create", "surplus"),
    [
        pytest.param([ready("a", OLD), ready("b", OLD)], 2, [], id="the new ones are made first"),
        pytest.param(
            [ready("a", OLD), ready("b", OLD), starting("c"), starting("d")],
            0,
            [],
            id="old ones stay until new ones are ready",
        ),
        pytest.param(
            [ready("a", OLD), ready("b", OLD), ready("c"), starting("d")],
            0,
            ["b"],
            id="one goes for one that is ready",
        ),
        pytest.param(
            [ready("a", OLD), ready("b", OLD), ready("c"), ready("d")], 0, ["a", "b"], id="both go"
        ),
        pytest.param([ready("a", OLD), starting("b", OLD)], 2, ["b"], id="not ready, not wanted"),
        pytest.param(
            [ready("a", OLD), ready("b", OLD), ready("c", OLD)], 2, ["c"], id="never above size"
        ),
    ],
)
def test_old_ones_are_replaced_without_a_gap(
    pods: list[Pod], create: int, surplus: list[str]
) -> None:
    decision = decided(pool(2), *pods)
    assert (decision.create, names(decision.surplus)) == (create, surplus)


def test_old_ones_stay_while_no_new_one_can_be_had() -> None:
    paused = pool(1, failure=failure(9))
    decision = decided(paused, ready("a", OLD))
    assert (decision.create, decision.surplus) == (0, ())


def test_old_ones_of_a_pool_of_none_go_at_once() -> None:
    assert names(decided(pool(0), ready("a", OLD)).surplus) == ["a"]


# Pods that will not serve -----------------------------------------------------------------------

Fields = dict[str, Any]
NEVER_STARTS: Fields = {"containers": [waiting("InvalidImageName")]}
NO_IMAGE: Fields = {"containers": [waiting("ErrImagePull")]}
STOPPED: Fields = {"containers": [terminated()], "phase": "Failed"}


@pytest.mark.parametrize(
    ("fields", "now", "is_failed"),
    [
        pytest.param(STOPPED, 0, True, id="it stopped"),
        pytest.param(STOPPED | {"ready": True}, 0, True, id="it stopped and still counts as ready"),
        pytest.param(NEVER_STARTS, 0, True, id="it will never start"),
        pytest.param(NO_IMAGE, 19, False, id="that may pass"),
        pytest.param(NO_IMAGE, 20, True, id="it did not pass in 20 s"),
        pytest.param({"conditions": [UNSCHEDULED]}, 59, False, id="a node may be on its way"),
        pytest.param({"conditions": [UNSCHEDULED]}, 60, True, id="no node came"),
        pytest.param({"containers": [running()]}, 59, False, id="it is on its way"),
        pytest.param({"containers": [running()]}, 60, True, id="it was not ready in time"),
        pytest.param({"ready_since": 50}, 109, False, id="it was ready a while ago"),
        pytest.param({"ready_since": 50}, 110, True, id="it did not come back"),
        pytest.param({"ready": True}, 9e6, False, id="it is ready and may wait for ever"),
    ],
)
def test_one_that_will_not_serve_has_failed(
    fields: dict[str, Any], now: float, is_failed: bool
) -> None:
    decision = decided(pool(1), starting("a", **fields), now=now)
    assert names(decision.failed) == (["a"] if is_failed else [])
    assert (decision.create, decision.surplus) == (0, ()), "what failed is counted first"


def test_one_of_an_old_template_that_stopped_has_failed_too() -> None:
    decision = decided(pool(1), starting("a", OLD, **STOPPED), ready("b"))
    assert (names(decision.failed), decision.surplus) == (["a"], ())


def test_the_next_look_is_when_the_first_of_them_has_failed() -> None:
    early, late = starting("a", created=-40), starting("b", created=-10)
    assert decided(pool(2), early, late).look_again == at(20)
    pulling = starting("c", created=-5, **NO_IMAGE)
    assert decided(pool(3), early, late, pulling).look_again == at(15)


@pytest.mark.parametrize(
    "fields", [{"conditions": [DISRUPTED]}, {"phase": "Failed", "reason": "Evicted"}]
)
def test_one_that_the_node_took_away_is_replaced_and_nobody_is_to_blame(
    fields: dict[str, Any],
) -> None:
    decision = decided(pool(2), ready("b"), starting("a", created=-5, **fields))
    assert (decision.create, names(decision.surplus), decision.failed) == (1, ["a"], ())


def test_pods_that_are_lost_as_soon_as_they_are_made_come_no_faster_than_one_in_a_second() -> None:
    """A node that evicts whatever it gets is no failure of the game, and no reason for a storm."""
    lost = starting("a", created=20, phase="Failed", reason="Evicted")
    early = decided(pool(2), ready("b"), lost, now=20.9)
    assert early == PoolDecision(look_again=at(21))
    due = decided(pool(2), ready("b"), lost, now=21)
    assert (due.create, names(due.surplus), due.look_again) == (1, ["a"], None)


def test_one_that_is_on_its_way_out_is_nobodys_concern() -> None:
    decision = decided(pool(1), ready("b"), starting("a", deleting=30, **STOPPED))
    assert decision == PoolDecision()


# After a failure --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("count", "seconds"), [(1, 1), (2, 2), (3, 4), (6, 32), (9, 256), (10, 300), (99, 300)]
)
def test_the_next_ones_come_later_each_time(count: int, seconds: int) -> None:
    paused = pool(2, failure=failure(count, 7))
    early = decided(paused, now=7 + seconds - 0.1)
    assert (early.create, early.look_again) == (0, at(7 + seconds))
    assert decided(paused, now=7 + seconds).create == 2


def test_a_pause_ends_no_sooner_because_there_is_nothing_to_make() -> None:
    assert decided(pool(1, failure=failure(9)), ready("a", created=-50)) == PoolDecision()


def test_the_sooner_of_two_looks_comes_first() -> None:
    paused = pool(2, failure=failure(3))
    assert decided(paused, starting("a", created=-59)).look_again == at(1)
    assert decided(paused, starting("a", created=-9)).look_again == at(4)


@pytest.mark.parametrize(
    ("fields", "now", "recovered", "look"),
    [
        pytest.param({"created": 8, "ready_since": 9}, 19, True, None, id="ready for 10 s"),
        pytest.param({"created": 8, "ready_since": 9}, 18.9, False, 19, id="not for long enough"),
        pytest.param({"created": 7, "ready_since": 9}, 19, True, None, id="made in that second"),
        pytest.param({"created": 6, "ready_since": 9}, 19, False, None, id="made before that"),
        pytest.param({"created": 8, "ready": False}, 19, False, 68, id="not ready yet"),
    ],
)
def test_a_failure_is_forgotten_when_a_pod_made_after_it_is_ready_for_long_enough(
    fields: dict[str, Any], now: float, recovered: bool, look: float | None
) -> None:
    """One that stops as soon as it is ready is no sign of health."""
    made = a_warm_pod("a", template=NOW, **({"ready": True} | fields))
    decision = decided(pool(1, failure=failure(9, 7.6)), made, now=now)
    assert decision.recovered is recovered
    assert decision.look_again == (None if look is None else at(look))


def test_one_of_an_old_template_proves_nothing() -> None:
    paused = pool(1, failure=failure(9))
    assert not decided(paused, ready("a", OLD, created=1), now=99).recovered


def test_what_is_forgotten_is_no_reason_to_wait() -> None:
    paused = pool(2, failure=failure(9))
    decision = decided(paused, ready("a", created=1), now=11)
    assert (decision.recovered, decision.create) == (True, 1)


def test_there_is_nothing_to_forget_where_nothing_failed() -> None:
    assert not decided(pool(1), ready("a"), now=99).recovered


# What may be claimed ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("pod", "able"),
    [
        pytest.param(ready("a"), True, id="it is ready"),
        pytest.param(ready("a", OLD), True, id="so is one of an old template"),
        pytest.param(starting("a"), False, id="not ready"),
        pytest.param(starting("a", ip="10.0.0.1"), False, id="it has an IP and is not ready"),
        pytest.param(ready("a", deleting=30), False, id="on its way out"),
        pytest.param(ready("a", conditions=[DISRUPTED]), False, id="its node is about to take it"),
        pytest.param(ready("a", containers=[terminated()]), False, id="it stopped"),
        pytest.param(ready("a", reason="Evicted"), False, id="it was evicted"),
    ],
)
def test_a_session_gets_only_one_that_serves(pod: Pod, able: bool) -> None:
    assert names(claimable([pod], NOW)) == (["a"] if able else [])


def test_one_without_an_address_is_not_claimed() -> None:
    assert claimable([replace(ready("a"), ip="")], NOW) == []


def test_the_oldest_of_the_present_template_comes_first() -> None:
    pods = [
        ready("c", OLD, created=-90),
        ready("b", created=-5, uid="2"),
        ready("d", created=-5, uid="1"),
        ready("a", created=-8),
    ]
    assert names(claimable(pods, NOW)) == ["a", "d", "b", "c"]


# Room for those who wait ------------------------------------------------------------------------


def test_none_are_made_ahead_while_sessions_wait_for_the_room() -> None:
    held = pool(2, held_until=at(15))
    early = decided(held, ready("a"), now=14)
    assert (early.create, early.look_again, early.surplus) == (0, at(15), ())
    assert decided(held, ready("a"), now=15).create == 1
    assert decided(pool(2, held_until=at(15), failure=failure(6)), now=20).look_again == at(32)


def test_the_one_that_is_needed_least_goes_first() -> None:
    pods = [
        ready("young", created=-1),
        ready("old", created=-9),
        starting("starts", created=-9),
        ready("outdated", OLD, created=-9),
        starting("last", OLD, created=-9, deleting=30),
    ]
    order = []
    while pod := least_needed(pods, {NOW}):
        order += names([pod])
        pods.remove(pod)
    assert order == ["outdated", "starts", "young", "old"]
