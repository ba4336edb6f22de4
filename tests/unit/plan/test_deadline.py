"""When a session ends, and why."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gamesession.plan.deadline import Reason, deadline_of, grace, idle_timeout_of
from gamesession.plan.session import Session
from tests.unit.plan.objects import a_game, a_session, at, pod, ready_status, status, text

SERVING = pod(ready=True)
MINUTE: dict[str, Any] = {"session": {"idleTimeout": "1m", "maxLifetime": "1h"}}


def ready(active: float = 0, **fields: Any) -> Session:
    """A session that was Ready at noon."""
    return a_session(status=ready_status(SERVING, active=active), **fields)


def starting_again(active: float = 0) -> Session:
    """A session that was Ready and whose pod is being replaced."""
    before = ready_status(SERVING, active=active)
    return a_session(status=before | {"phase": "Starting", "startingSince": text(50)})


def pending(active: float | None = None, **fields: Any) -> Session:
    return a_session(status=status("Pending"), active=active, **fields)


@pytest.mark.parametrize(
    ("session", "ends", "reason"),
    [
        pytest.param(ready(), 60, Reason.IDLE_TIMEOUT, id="idle since it was first Ready"),
        pytest.param(ready(active=45), 105, Reason.IDLE_TIMEOUT, id="idle since it was used"),
        pytest.param(
            ready(active=45, idleTimeout="10s"), 55, Reason.IDLE_TIMEOUT, id="its own timeout"
        ),
        pytest.param(ready(active=3590), 3600, Reason.MAX_LIFETIME, id="however active"),
        pytest.param(
            starting_again(), 60, Reason.IDLE_TIMEOUT, id="idle while its pod is replaced"
        ),
        pytest.param(
            starting_again(active=3599), 3600, Reason.MAX_LIFETIME, id="old while it is replaced"
        ),
        pytest.param(a_session(), 60, Reason.ABANDONED, id="nobody has looked at it yet"),
        pytest.param(pending(), 60, Reason.ABANDONED, id="waiting, and nobody asks"),
        pytest.param(pending(active=40), 100, Reason.ABANDONED, id="waiting, and somebody asked"),
        pytest.param(
            pending(active=-900), 60, Reason.ABANDONED, id="activity before its creation is none"
        ),
        pytest.param(
            pending(name="by-hand", idleTimeout="90s"),
            90,
            Reason.ABANDONED,
            id="waiting, made by hand: its idle timeout",
        ),
        pytest.param(
            a_session(status=status("Failed", failedAt=at(30))), 150, Reason.FAILED, id="failed"
        ),
        pytest.param(
            a_session(status=status("Failed")), 120, Reason.FAILED, id="failed, nobody knows when"
        ),
        pytest.param(
            a_session(
                status=ready_status(SERVING) | {"phase": "Failed", "failedAt": text(3599)},
            ),
            3719,
            Reason.FAILED,
            id="a failed session stays to be read, whatever its age",
        ),
        pytest.param(
            a_session(status=status("Pending", startedAt=at(-3590), lastActivity=at(0))),
            10,
            Reason.MAX_LIFETIME,
            id="old while it waits for another turn",
        ),
    ],
)
def test_the_deadline(session: Session, ends: float, reason: Reason) -> None:
    found = deadline_of(session, a_game(**MINUTE))
    assert found is not None
    assert (found.at, found.reason) == (at(ends), reason)


@pytest.mark.parametrize(
    "session",
    [
        pytest.param(a_session(deleting=True), id="it is being deleted"),
        pytest.param(
            a_session(status=status("Starting", startingSince=at(0))),
            id="its first start is ended by startTimeout alone, and nothing has begun to live",
        ),
    ],
)
def test_sessions_that_nothing_ends(session: Session) -> None:
    assert deadline_of(session, a_game(**MINUTE)) is None


def test_unknown_activity_never_ends_a_session() -> None:
    endless = a_game(session={"idleTimeout": "1m", "maxLifetime": "0s"})
    unknown = ready_status(SERVING)
    del unknown["lastActivity"]
    assert deadline_of(a_session(status=unknown), endless) is None


def test_a_life_may_be_without_end() -> None:
    endless = a_game(session={"idleTimeout": "1h", "maxLifetime": "0s"})
    found = deadline_of(ready(active=10**7), endless)
    assert found is not None
    assert found.at == at(10**7 + 3600)


def test_edits_of_the_game_count_at_once() -> None:
    for timeout in ("5m", "20s", "2h"):
        game = a_game(session={"idleTimeout": timeout})
        assert idle_timeout_of(ready(), game) == game.idle_timeout


def test_a_session_whose_game_is_gone_still_ends() -> None:
    """A Game that was deleted with `--cascade=orphan` leaves its sessions behind."""
    for session in (ready(), starting_again(), a_session(status=status("Starting"))):
        found = deadline_of(session, None)
        assert found is not None
        assert found.at == at(1800), "the default idle timeout, for want of a better one"


def test_the_messages_say_what_a_person_wants_to_know() -> None:
    game = a_game(session={"idleTimeout": "90s", "maxLifetime": "1h"})
    texts = [
        found.message
        for session in (ready(), ready(active=3599), pending(), a_session(status=status("Failed")))
        if (found := deadline_of(session, game))
    ]
    assert texts == [
        "No activity for 1m30s.",
        "Started 1h ago, the longest a session may live.",
        "Pending, and nobody has waited for it for 1m.",
        "Failed 2m ago.",
    ]


@pytest.mark.parametrize(
    ("reason", "expected"),
    [
        (Reason.IDLE_TIMEOUT, True),
        (Reason.ABANDONED, True),
        (Reason.MAX_LIFETIME, False),
        (Reason.FAILED, False),
    ],
)
def test_activity_that_nobody_told_us_of_yet_puts_off(reason: Reason, expected: bool) -> None:
    assert reason.follows_activity is expected


@pytest.mark.parametrize(("timeout", "seconds"), [("5s", 5), ("1m", 60), ("30m", 60)])
def test_the_grace_is_the_idle_timeout_but_no_more_than_a_minute(
    timeout: str, seconds: int
) -> None:
    game = a_game(session={"idleTimeout": timeout})
    assert grace(ready(), game) == timedelta(seconds=seconds)


@given(active=st.integers(0, 7200), later=st.integers(0, 7200))
def test_activity_never_brings_the_end_nearer(active: int, later: int) -> None:
    game = a_game(**MINUTE)
    before, after = deadline_of(ready(active), game), deadline_of(ready(active + later), game)
    assert before is not None
    assert after is not None
    assert after.at >= before.at
