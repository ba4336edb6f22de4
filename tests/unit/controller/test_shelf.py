"""Objects as they were last seen, from watch events and answers in any order."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gamesession.controller.shelf import Shelf


@dataclass(frozen=True)
class Thing:
    uid: str
    resource_version: str
    name: str = "thing"
    namespace: str = "games"


KEY = ("games", "thing")


class Clock:
    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


def shelf(*things: Thing) -> Shelf[Thing]:
    found: Shelf[Thing] = Shelf(Clock())
    for each in things:
        found.put(each)
    return found


def test_what_is_put_is_there() -> None:
    found = shelf(Thing("a", "1"))
    assert found.get(KEY) == Thing("a", "1")
    assert list(found.values()) == [Thing("a", "1")]
    assert len(found) == 1
    assert found.get(("games", "other")) is None


@pytest.mark.parametrize(
    ("uid", "version", "expected"),
    [
        pytest.param("a", "6", True, id="newer"),
        pytest.param("a", "5", False, id="the same once more"),
        pytest.param("a", "4", False, id="an echo of what was"),
        pytest.param("a", "10", True, id="versions are numbers, not words"),
        pytest.param("b", "6", True, id="another life under that name"),
        pytest.param("0", "4", False, id="an earlier life"),
    ],
)
def test_the_newer_version_wins(uid: str, version: str, expected: bool) -> None:
    assert shelf(Thing("a", "5")).accepts(uid, KEY, version) is expected


def test_what_was_deleted_stays_so() -> None:
    """Events and answers come in any order; a late one must not bring anything back."""
    found = shelf(Thing("a", "5"))
    assert found.remove(KEY, "a") == Thing("a", "5")
    assert not found.accepts("a", KEY, "9")
    assert found.accepts("b", KEY, "10"), "the next life is another object"


def test_what_was_deleted_before_it_was_seen_stays_so() -> None:
    found = shelf()
    assert found.remove(KEY, "a") is None
    assert not found.accepts("a", KEY, "9")


def test_the_end_of_an_earlier_life_is_not_that_of_the_next() -> None:
    found = shelf(Thing("a", "5"), Thing("b", "7"))
    assert found.remove(KEY, "a") is None
    assert found.get(KEY) == Thing("b", "7")


def test_a_life_that_another_one_replaced_is_over() -> None:
    assert not shelf(Thing("a", "5"), Thing("b", "7")).accepts("a", KEY, "9")


def test_it_remembers_only_so_many_ends() -> None:
    """A busy operator runs for months."""
    found = shelf()
    for number in range(Shelf.TOMBSTONES + 1):
        found.bury(str(number))
    assert found.accepts("0", KEY, "1")
    assert not found.accepts("1", KEY, "1")


def test_what_was_not_heard_of_since() -> None:
    clock = Clock()
    found: Shelf[Thing] = Shelf(clock)
    found.put(Thing("a", "1", "old"))
    clock.seconds = 10
    found.put(Thing("b", "2", "new"))
    assert [each.name for each in found.unheard_since(10)] == ["old"]
    assert list(found.unheard_since(0)) == []
    found.put(Thing("a", "3", "old"))
    assert list(found.unheard_since(10)) == []


observations = st.lists(
    st.tuples(st.sampled_from("ab"), st.integers(1, 9), st.booleans()), max_size=12
)


@given(observations)
def test_it_never_goes_back(seen: list[tuple[str, int, bool]]) -> None:
    """Whatever comes in whatever order: versions rise, and no uid returns."""
    found, gone, last = shelf(), set(), 0
    for uid, version, deleted in seen:
        if deleted:
            found.remove(KEY, uid)
            gone.add(uid)
        elif found.accepts(uid, KEY, str(version)):
            found.put(Thing(uid, str(version)))
        if (there := found.get(KEY)) is None:
            last = 0
            continue
        assert there.uid not in gone
        assert int(there.resource_version) >= last
        last = int(there.resource_version)
