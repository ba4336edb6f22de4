"""Whether a Game's sessions start."""

from __future__ import annotations

import pytest

from gamesession.plan.pool import Failure
from gamesession.plan.session import Session
from gamesession.plan.starts import NOT_TRIED, SUCCEEDING, WARM, End, Starts, ends_of, starts_of
from tests.unit.plan.objects import (
    Object,
    a_game,
    a_session,
    at,
    condition,
    pod,
    ready_status,
    status,
)

WORDS = "The last start failed, ErrImagePull: No such image."
FAILING = Starts("False", "StartsFailing", WORDS)
FAILED_ONCE = Starts("Unknown", "LastStartFailed", WORDS)
STUMBLED = Starts("True", "LastStartFailed", WORDS)


def ready(since: float) -> Session:
    return a_session("ann", status=ready_status(pod(ready=True), since=since))


def failed(since: float, reason: str = "ErrImagePull") -> Session:
    said = status("Failed", reason=reason, message="No such image.", failedAt=at(since))
    return a_session(f"bob-{since}", status=said)


@pytest.mark.parametrize(
    ("sessions", "expected"),
    [
        pytest.param([], NOT_TRIED, id="nobody has come yet"),
        pytest.param([a_session()], NOT_TRIED, id="the first is on its way"),
        pytest.param([ready(5)], SUCCEEDING, id="it is Ready"),
        pytest.param([failed(5)], FAILED_ONCE, id="the first has failed"),
        pytest.param([failed(5), failed(6)], FAILED_ONCE, id="two have failed"),
        pytest.param([failed(5), failed(6), failed(7)], FAILING, id="three have failed"),
        pytest.param([ready(5), failed(9)], STUMBLED, id="the last one failed"),
        pytest.param([ready(5), *map(failed, (6, 7, 8))], FAILING, id="three since one was Ready"),
        pytest.param([failed(4), ready(5), failed(6), failed(7)], STUMBLED, id="not in a row"),
        pytest.param([*map(failed, (1, 2, 3)), ready(9)], SUCCEEDING, id="another one is Ready"),
        pytest.param([ready(5), a_session("eve")], SUCCEEDING, id="one that starts proves nothing"),
        *(
            pytest.param(
                [ready(5), *(failed(at, reason) for at in (6, 7, 8))],
                SUCCEEDING,
                id=f"{reason} is no start",
            )
            for reason in ("Duplicate", "IdleTimeoutOutOfBounds", "GameNotAccepted")
        ),
    ],
)
def test_three_failures_in_a_row_make_it_false(sessions: list[Session], expected: Starts) -> None:
    assert starts_of(a_game(), ends_of(sessions)) == expected


def said(generation: int = 1, since: float = 10) -> Object:
    return {
        "conditions": [
            condition("Ready", "False", "StartsFailing", WORDS, generation=generation, since=since),
        ]
    }


@pytest.mark.parametrize(
    ("sessions", "expected"),
    [
        pytest.param([], FAILING, id="the sessions that failed are gone"),
        pytest.param([failed(20)], FAILING, id="another one failed"),
        pytest.param([ready(5)], FAILING, id="one was Ready before"),
        pytest.param([ready(15)], SUCCEEDING, id="one is Ready since"),
        pytest.param([ready(15), failed(20)], STUMBLED, id="one is Ready since, and one failed"),
    ],
)
def test_it_stays_false_until_a_start_succeeds(sessions: list[Session], expected: Starts) -> None:
    assert starts_of(a_game(status=said()), ends_of(sessions)) == expected


def test_after_an_edit_nobody_knows() -> None:
    assert starts_of(a_game(status=said(generation=0)), []) == NOT_TRIED


@pytest.mark.parametrize(("count", "expected"), [(1, "Unknown"), (2, "Unknown"), (3, "False")])
def test_pods_that_are_started_ahead_count(count: int, expected: str) -> None:
    failure = Failure(count, at(5), "Error", "no cards")
    found = starts_of(a_game(), [], failure)
    assert (found.status, "no cards" in found.message) == (expected, True)
    assert starts_of(a_game(), ends_of([ready(9)]), failure) == SUCCEEDING
    assert starts_of(a_game(), [End("pod-1", at(9), warm=True)], failure) == WARM


def test_both_kinds_of_failures_are_one_row() -> None:
    failure = Failure(1, at(5), "Error", "no cards")
    found = starts_of(a_game(), ends_of([failed(4), failed(6)]), failure)
    assert found == FAILING, "with the words of the last one"
