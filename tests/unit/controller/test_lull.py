"""A pool waits until no session is worked on, for a second at most."""

from __future__ import annotations

import pytest

from gamesession.controller.lull import LONGEST, QUIET, Lull

POOL, OTHER = ("play", "chess"), ("play", "draughts")


class Clock:
    """Says what it is told to."""

    seconds = 100.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def lull(clock: Clock) -> Lull:
    return Lull(clock)


def test_nothing_is_put_off_while_nobody_waits(lull: Lull) -> None:
    assert lull.is_long
    assert lull.seconds_to(POOL) == lull.seconds_to(POOL) == 0


def test_it_is_put_off_until_it_has_been_quiet_for_a_moment(lull: Lull, clock: Clock) -> None:
    with lull.prevented():
        with lull.prevented():
            assert lull.seconds_to(POOL) > 0
        assert lull.seconds_to(POOL) > 0
    assert lull.seconds_to(POOL) == QUIET
    clock.seconds += 2 * QUIET
    assert lull.seconds_to(POOL) == 0
    assert not lull.is_long


def test_while_users_come_two_looks_are_a_moment_apart(lull: Lull, clock: Clock) -> None:
    with lull.prevented():
        pass
    clock.seconds += 2 * QUIET
    assert lull.seconds_to(POOL) == 0
    assert lull.seconds_to(POOL) == QUIET
    clock.seconds += 2 * QUIET
    assert lull.seconds_to(POOL) == 0
    clock.seconds += LONGEST
    assert lull.is_long
    assert lull.seconds_to(POOL) == lull.seconds_to(POOL) == 0


def test_work_that_fails_is_done(lull: Lull, clock: Clock) -> None:
    with pytest.raises(OSError, match="refused"), lull.prevented():
        raise OSError("refused")
    clock.seconds += 2 * QUIET
    assert lull.seconds_to(POOL) == 0


def test_it_is_put_off_no_longer_than_a_second_and_then_anew(lull: Lull, clock: Clock) -> None:
    with lull.prevented():
        assert lull.seconds_to(POOL) == QUIET
        clock.seconds += LONGEST - QUIET / 2
        assert lull.seconds_to(POOL) == pytest.approx(QUIET / 2)
        assert lull.seconds_to(OTHER) == QUIET, "each pool has its own second"
        clock.seconds += QUIET / 2
        assert lull.seconds_to(POOL) == 0
        assert lull.seconds_to(POOL) == QUIET


def test_nothing_is_kept_of_pools_once_nobody_comes(lull: Lull, clock: Clock) -> None:
    """Games may come and go for months."""
    with lull.prevented():
        assert lull.seconds_to(POOL) == QUIET
    clock.seconds += 2 * QUIET
    assert lull.seconds_to(OTHER) == 0
    assert lull._since and lull._next
    clock.seconds += LONGEST
    assert lull.seconds_to(OTHER) == 0
    assert not lull._since and not lull._next
