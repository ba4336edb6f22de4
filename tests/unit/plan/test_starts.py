"""Whether a Game's sessions start."""

from __future__ import annotations

import pytest

from gamesession.plan.session import Session
from gamesession.plan.starts import NOT_TRIED, SUCCEEDING, Starts, starts_of
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


def ready(since: float) -> Session:
    return a_session("ann", status=ready_status(pod(ready=True), since=since))


def failed(since: float, reason: str = "ErrImagePull") -> Session:
    said = status("Failed", reason=reason, message="No such image.", failedAt=at(since))
    return a_session("bob", status=said)


FAILING = Starts("False", "StartsFailing", "The last start failed, ErrImagePull: No such image.")


@pytest.mark.parametrize(
    ("sessions", "expected"),
    [
        pytest.param([], NOT_TRIED, id="nobody has come yet"),
        pytest.param([a_session()], NOT_TRIED, id="the first is on its way"),
        pytest.param([ready(5)], SUCCEEDING, id="it is Ready"),
        pytest.param([failed(5)], FAILING, id="it has failed"),
        pytest.param([ready(5), failed(9)], FAILING, id="the last one failed"),
        pytest.param([failed(5), ready(9)], SUCCEEDING, id="another one is Ready since"),
        pytest.param([ready(5), a_session("eve")], SUCCEEDING, id="one that starts proves nothing"),
        *(
            pytest.param([ready(5), failed(9, reason)], SUCCEEDING, id=f"{reason} is no start")
            for reason in ("Duplicate", "IdleTimeoutOutOfBounds", "GameNotAccepted")
        ),
    ],
)
def test_the_last_start_that_ended_shows(sessions: list[Session], expected: Starts) -> None:
    assert starts_of(a_game(), sessions) == expected


def said(generation: int = 1) -> Object:
    words = "The last start failed, Error: no cards"
    return {
        "conditions": [
            condition("Ready", "False", "StartsFailing", words, generation=generation),
        ]
    }


def test_what_a_failed_session_showed_stays_when_it_is_gone() -> None:
    found = starts_of(a_game(status=said()), [])
    assert found == Starts("False", "StartsFailing", "The last start failed, Error: no cards")
    assert starts_of(a_game(status=said()), [ready(5)]) == SUCCEEDING


def test_after_an_edit_nobody_knows() -> None:
    assert starts_of(a_game(status=said(generation=0)), []) == NOT_TRIED
