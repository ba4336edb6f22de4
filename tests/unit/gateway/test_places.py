"""Who gets a place to wait in."""

from __future__ import annotations

import random
from collections import Counter
from contextlib import ExitStack

import pytest

from gamesession.api.errors import Capacity
from gamesession.gateway.places import Places


def takes(stack: ExitStack, places: Places, user: str, game: str = "chess") -> bool:
    """Whether a user gets a place; it is kept until the stack is closed."""
    try:
        stack.enter_context(places.take(game, user))
    except Capacity as refusal:
        assert refusal.retry_after
        return False
    return True


def test_one_user_alone_gets_half_of_the_places() -> None:
    places = Places(1000, 200, 1000)
    with ExitStack() as stack:
        assert sum(takes(stack, places, "alice") for _ in range(500)) == 100
        assert places.taken("chess") == 100
    assert places.taken("chess") == 0


def test_one_user_gets_no_more_than_one_may_have_over_all_games() -> None:
    places = Places(1000, 200, 8)
    with ExitStack() as stack:
        games = ("chess", "go")
        assert sum(takes(stack, places, "alice", games[n % 2]) for n in range(20)) == 8
        assert takes(stack, places, "bob")


@pytest.mark.parametrize("most", [(60, 1000), (1000, 60)], ids=["in all", "of a game"])
def test_there_is_no_more_room_than_there_is(most: tuple[int, int]) -> None:
    places = Places(*most, 100)
    with ExitStack() as stack:
        assert sum(takes(stack, places, f"user-{n}") for n in range(100)) == 60
        assert takes(stack, places, "one more", "go") is (most[0] == 1000)
    with ExitStack() as stack:
        assert takes(stack, places, "alice")


@pytest.mark.parametrize("order", ["one user after the other", *range(10)])
def test_in_whatever_order_they_come_every_user_gets_a_place(order: str | int) -> None:
    """500 requests of 50 users on 400 places."""
    comers = [f"user-{number // 10}" for number in range(500)]
    if isinstance(order, int):
        random.Random(order).shuffle(comers)
    places = Places(400, 400, 100)
    with ExitStack() as stack:
        had = Counter(user for user in comers if takes(stack, places, user))
        assert len(had) == 50
        assert 300 <= sum(had.values()) == places.taken("chess")


def test_a_quarter_is_left_for_users_who_have_none() -> None:
    places = Places(400, 400, 100)
    with ExitStack() as stack:
        greedy = Counter(
            user
            for user in (f"greedy-{n // 1000}" for n in range(9000))
            if takes(stack, places, user)
        )
        assert max(greedy.values()) == 100
        assert sum(takes(stack, places, f"user-{n}") for n in range(500)) >= 94


def test_nothing_is_kept_of_users_who_left() -> None:
    places = Places(400, 400, 100)
    for number in range(1000):
        with places.take("chess", f"user-{number}"):
            pass
    assert not places._of_user
