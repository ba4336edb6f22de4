"""What a stamp of activity is worth when clocks disagree."""

from __future__ import annotations

from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gamesession.plan.activity import active_at
from tests.unit.plan.objects import NOON, at

Known = tuple[datetime | None, datetime | None] | None


@pytest.mark.parametrize(
    ("stamp", "previous", "expected"),
    [
        pytest.param(None, None, None, id="nothing is known of a session that was found"),
        pytest.param(None, (None, None), None, id="nothing is known of a new session"),
        pytest.param(at(-60), None, at(-60), id="a stamp that we find counts as it stands"),
        pytest.param(at(3600), None, NOON, id="one in the future counts as now"),
        pytest.param(at(-60), (None, None), NOON, id="the first stamp that we see written"),
        pytest.param(at(-1), (at(-9), at(-9)), NOON, id="a change that we see counts from now"),
        pytest.param(at(-90), (at(-99), at(-5)), NOON, id="also from a writer whose clock is late"),
        pytest.param(at(90), (at(80), at(-5)), NOON, id="also from a writer whose clock is early"),
        pytest.param(at(-9), (at(-9), at(-7)), at(-7), id="other changes are no activity"),
        pytest.param(at(90), (at(90), at(-7)), at(-7), id="nor do they renew a future stamp"),
    ],
)
def test_active_at(stamp: datetime | None, previous: Known, expected: datetime | None) -> None:
    assert active_at(stamp, previous, NOON) == expected


moments = st.integers(-100_000, 100_000).map(at)


@given(stamp=moments, previous=st.none() | st.tuples(moments, moments), now=moments)
def test_it_is_never_in_the_future(stamp: datetime, previous: Known, now: datetime) -> None:
    """Else a clock that is ahead would keep a session for as long as it is ahead."""
    if previous is not None:
        previous = (previous[0], min(previous[1] or now, now))
    found = active_at(stamp, previous, now)
    assert found is not None
    assert found <= now
