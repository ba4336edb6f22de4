"""How often a user may do something."""

from __future__ import annotations

import pytest

from gamesession.client.rate import Rate


class Clock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def taken(rate: Rate, key: str, most: int) -> int:
    """How many tokens can be had at once."""
    count = 0
    while not rate.wait(key) and count < most:
        rate.take(key)
        count += 1
    return count


@pytest.mark.parametrize("per_minute", [1, 3, 7, 10, 60, 1000])
def test_a_minutes_tokens_can_be_had_at_once_and_come_back_in_a_minute(
    clock: Clock, per_minute: int
) -> None:
    rate = Rate(per_minute, clock)
    assert taken(rate, "alice", 2000) == per_minute
    clock.now += 60
    assert taken(rate, "alice", 2000) == per_minute


def test_a_token_comes_back_when_it_was_said_to(clock: Clock) -> None:
    rate = Rate(10, clock)
    taken(rate, "alice", 20)
    assert rate.wait("alice") == pytest.approx(6)
    clock.now += 3
    assert rate.wait("alice") == pytest.approx(3)
    clock.now += 3
    assert taken(rate, "alice", 20) == 1


def test_users_do_not_share(clock: Clock) -> None:
    rate = Rate(2, clock)
    taken(rate, "alice", 20)
    assert rate.wait("alice") > 0
    assert rate.wait("bob") == 0


def test_a_token_that_was_given_back_can_be_had_again(clock: Clock) -> None:
    rate = Rate(2, clock)
    taken(rate, "alice", 20)
    rate.give_back("alice")
    assert taken(rate, "alice", 20) == 1
    rate.give_back("nobody")
    assert taken(rate, "nobody", 20) == 2


def test_nothing_is_kept_of_users_whose_buckets_are_full_again(clock: Clock) -> None:
    rate = Rate(10, clock)
    taken(rate, "always", 10)
    for number in range(10_000):
        rate.take(f"user-{number}")
        clock.now += 0.01
        if not rate.wait("always"):
            rate.take("always")  # stays nearly empty, all the time
    # Ten seconds of it or so: a token takes six seconds to come back, a thousand users come in ten.
    assert len(rate) < 1000
    clock.now += 120
    rate.take("last")
    assert len(rate) == 1
