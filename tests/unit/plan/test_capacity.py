"""`maxSessions`: who may have a pod."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gamesession.plan.capacity import next_in_turn, refused
from gamesession.plan.session import Session
from tests.unit.plan.objects import a_session, status


def waiting(user: str, created: float, order: int = 0, **fields: Any) -> Session:
    return a_session(user, created=created, order=order, **fields)


ANN, BOB, CID = waiting("ann", 1), waiting("bob", 2), waiting("cid", 3)


@pytest.mark.parametrize(
    ("sessions", "occupied", "limit", "expected"),
    [
        pytest.param([BOB, ANN], 0, None, ["ann", "bob"], id="without a limit all may"),
        pytest.param([CID, ANN, BOB], 0, 2, ["ann", "bob"], id="first come, first served"),
        pytest.param([CID, BOB], 1, 2, ["bob"], id="one place is left"),
        pytest.param([BOB, CID], 1, 1, [], id="none is left"),
        pytest.param([ANN, BOB], 3, 2, [], id="a limit that was lowered"),
        pytest.param([ANN], 0, 0, [], id="none at all"),
        pytest.param(
            [waiting("ann", 1, order=2), waiting("zoe", 1, order=1)],
            0,
            1,
            ["zoe"],
            id="of one second: the first that was seen",
        ),
    ],
)
def test_next_in_turn(
    sessions: list[Session], occupied: int, limit: int | None, expected: list[str]
) -> None:
    assert [each.user for each in next_in_turn(sessions, occupied, limit)] == expected


users = st.text("abcdefgh", min_size=1, max_size=3)


@given(
    created=st.dictionaries(users, st.integers(0, 5), max_size=8),
    occupied=st.integers(0, 8),
    limit=st.none() | st.integers(0, 8),
)
def test_no_more_than_the_limit_and_no_place_unused(
    created: dict[str, int], occupied: int, limit: int | None
) -> None:
    sessions = [waiting(user, second) for user, second in created.items()]
    found = next_in_turn(sessions, occupied, limit)
    free = len(sessions) if limit is None else max(0, limit - occupied)
    assert len(found) == min(free, len(sessions))
    left_out = [each for each in sessions if each not in found]
    assert all(each.created_at <= other.created_at for each in found for other in left_out)


def test_those_whose_pod_was_refused_are_in_order_too() -> None:
    quota = status("Pending", reason="QuotaExceeded")
    ann, bob = waiting("ann", 2, status=quota), waiting("bob", 1, status=quota)
    others = [waiting("cid", 0), waiting("eve", 0, status=status("Pending", reason="GameNotFound"))]
    assert refused([ann, bob, *others]) == [bob, ann]
