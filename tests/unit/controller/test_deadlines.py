"""Which sessions are due."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gamesession.controller.deadlines import Deadlines
from gamesession.controller.shelf import Key
from tests.unit.plan.objects import at

CHESS, DRAUGHTS = ("games", "chess"), ("games", "draughts")
ANN, BOB = ("games", "ann"), ("games", "bob")


def entered(*entries: tuple[Key, float]) -> Deadlines:
    found = Deadlines()
    for session, seconds in entries:
        found.enter(CHESS, session, at(seconds))
    return found


def test_nothing_is_due_before_its_time() -> None:
    found = entered((ANN, 10))
    assert found.due(CHESS, at(9.999)) == []
    assert found.due(CHESS, at(10)) == [ANN]


def test_what_is_due_is_taken_out() -> None:
    found = entered((ANN, 10))
    assert found.due(CHESS, at(10)) == [ANN]
    assert found.due(CHESS, at(99)) == []
    found.enter(CHESS, ANN, at(50))
    assert found.due(CHESS, at(50)) == [ANN]


def test_a_deadline_that_moves_forward_counts() -> None:
    """An edit of the Game's timeout."""
    found = entered((ANN, 100), (ANN, 10))
    assert found.due(CHESS, at(10)) == [ANN]
    assert found.due(CHESS, at(100)) == [], "and once only"


def test_one_that_moves_back_is_found_out_when_the_first_is_reached() -> None:
    found = entered((ANN, 10), (ANN, 100))
    assert found.due(CHESS, at(10)) == [ANN]


def test_who_is_gone_is_not_due() -> None:
    found = entered((ANN, 10), (BOB, 10))
    found.forget(ANN)
    assert found.due(CHESS, at(10)) == [BOB]


def test_the_next_life_under_a_name_has_its_own_deadline() -> None:
    found = entered((ANN, 10))
    found.forget(ANN)
    found.enter(DRAUGHTS, ANN, at(20))
    assert found.due(CHESS, at(99)) == []
    assert found.due(DRAUGHTS, at(20)) == [ANN]


def test_each_game_has_its_own() -> None:
    found = entered((ANN, 10))
    assert found.due(DRAUGHTS, at(99)) == []
    assert set(found.games()) == {CHESS}


def test_a_game_without_deadlines_is_forgotten() -> None:
    found = entered((ANN, 10))
    found.due(CHESS, at(10))
    assert set(found.games()) == set()


entries = st.lists(st.tuples(st.sampled_from("abcd"), st.integers(0, 20)), max_size=12)


@given(entries=entries, now=st.integers(0, 20))
def test_whoever_is_due_is_found_once(entries: list[tuple[str, int]], now: int) -> None:
    found = entered(*((("games", name), float(seconds)) for name, seconds in entries))
    first = {name: min(at for who, at in entries if who == name) for name, _ in entries}
    due = found.due(CHESS, at(now))
    assert sorted(name for _, name in due) == sorted(
        name for name, seconds in first.items() if seconds <= now
    )
