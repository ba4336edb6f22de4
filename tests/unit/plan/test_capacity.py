"""`maxSessions`: who may have a pod."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gamesession.plan.capacity import next_in_turn
from gamesession.plan.session import Session
from tests.unit.plan.objects import a_session, status


def waiting(user: str, created: float, order: int = 0, **fields: Any) -> Session:
    return a_session(user, created=created, order=order, **fields)


ANN, BOB, CID = waiting("ann", 1), waiting("bob", 2), waiting("cid", 3)


@pytest.mark.parametrize(
    ("sessions", "occupied", "limit", "expected"),
    [
        pytest.param([ANN, BOB], set(), None, ["ann", "bob"], id="without a limit all may"),
        pytest.param([CID, ANN, BOB], set(), 2, ["ann", "bob"], id="first come, first served"),
        pytest.param([ANN, BOB, CID], {"uid-of-ann"}, 2, ["bob"], id="one place is left"),
        pytest.param([ANN, BOB, CID], {"uid-of-ann"}, 1, [], id="none is left"),
        pytest.param([ANN, BOB], {"x", "y", "z"}, 2, [], id="a limit that was lowered"),
        pytest.param([ANN], {"uid-of-gone"}, 1, [], id="a pod whose session is gone takes a place"),
        pytest.param([ANN], set(), 0, [], id="none at all"),
        pytest.param(
            [waiting("zoe", 1, order=1), waiting("ann", 1, order=2)],
            set(),
            1,
            ["zoe"],
            id="of one second: the first that was seen",
        ),
        pytest.param(
            [waiting("ann", 1, status=status("Failed")), BOB],
            set(),
            1,
            ["bob"],
            id="not the failed",
        ),
        pytest.param(
            [waiting("ann", 1, deleting=True), BOB], set(), 1, ["bob"], id="not who is leaving"
        ),
    ],
)
def test_next_in_turn(
    sessions: list[Session], occupied: set[str], limit: int | None, expected: list[str]
) -> None:
    assert [each.user for each in next_in_turn(sessions, occupied, limit)] == expected


users = st.text("abcdefgh", min_size=1, max_size=3)


@given(
    created=st.dictionaries(users, st.integers(0, 5), max_size=8),
    occupied=st.sets(users, max_size=8),
    limit=st.none() | st.integers(0, 8),
)
def test_no_more_than_the_limit_and_no_place_unused(
    created: dict[str, int], occupied: set[str], limit: int | None
) -> None:
    sessions = [waiting(user, second) for user, second in created.items()]
    places = {f"uid-of-{user}" for user in occupied}
    found = next_in_turn(sessions, places, limit)
    without = [each for each in sessions if each.uid not in places]
    free = len(without) if limit is None else max(0, limit - len(places))
    assert len(found) == min(free, len(without))
    left_out = {each.user for each in without} - {each.user for each in found}
    assert all(
        each.created_at <= other.created_at
        for each in found
        for other in without
        if other.user in left_out
    )
