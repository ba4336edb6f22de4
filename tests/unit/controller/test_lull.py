"""A pool waits until no session is worked on, for a second at most."""

from __future__ import annotations

import pytest

from gamesession.controller.lull import LONGEST, PAUSE, Lull

POOL, OTHER = ("play", "chess"), ("play", "draughts")


class Clock:
    """Says what it is told to."""

    seconds = 100.0

    def __call__(self) -> float:
        return self.seconds


def test_nothing_is_put_off_while_nobody_waits() -> None:
    assert Lull().seconds_to(POOL) == 0


def test_it_is_put_off_until_the_last_session_is_done() -> None:
    lull = Lull()
    with lull.prevented():
        with lull.prevented():
            assert lull.seconds_to(POOL) > 0
        assert lull.seconds_to(POOL) > 0
    assert lull.seconds_to(POOL) == 0


def test_work_that_fails_is_done() -> None:
    lull = Lull()
    with pytest.raises(OSError, match="refused"), lull.prevented():
        raise OSError("refused")
    assert lull.seconds_to(POOL) == 0


def test_it_is_put_off_no_longer_than_a_second_and_then_anew() -> None:
    clock = Clock()
    lull = Lull(clock)
    with lull.prevented():
        assert lull.seconds_to(POOL) == PAUSE
        clock.seconds += LONGEST - PAUSE / 2
        assert lull.seconds_to(POOL) == pytest.approx(PAUSE / 2)
        assert lull.seconds_to(OTHER) == PAUSE, "each pool has its own second"
        clock.seconds += PAUSE / 2
        assert lull.seconds_to(POOL) == 0
        assert lull.seconds_to(POOL) == PAUSE
