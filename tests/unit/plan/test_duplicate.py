"""Which of several sessions of one user and game is the one."""

from __future__ import annotations

import itertools

import pytest

from gamesession.plan.duplicate import first_of
from gamesession.plan.session import Session
from tests.unit.plan.objects import a_session, status

OLD = a_session(uid="b", created=1)
NEW = a_session(uid="a", created=2, name="by-hand")
TWIN = a_session(uid="c", created=1, name="another")
FAILED = a_session(uid="0", created=0, name="failed", status=status("Failed"))
LEAVING = a_session(uid="1", created=0, name="leaving", deleting=True)


@pytest.mark.parametrize(
    ("sessions", "with_pod", "expected"),
    [
        pytest.param([], set(), None, id="nobody"),
        pytest.param([NEW, OLD], set(), OLD, id="the older"),
        pytest.param([NEW, OLD], {"a"}, NEW, id="the one that has a pod, though it is newer"),
        pytest.param([NEW, OLD], {"a", "b"}, OLD, id="both have one: the older"),
        pytest.param([TWIN, OLD], set(), OLD, id="equally old: the smaller uid"),
        pytest.param([FAILED, NEW], {"0"}, NEW, id="a failed one is none"),
        pytest.param([LEAVING, NEW], {"1"}, NEW, id="one that leaves is none"),
        pytest.param([FAILED, LEAVING], {"0"}, None, id="none of them lives"),
    ],
)
def test_first_of(sessions: list[Session], with_pod: set[str], expected: Session | None) -> None:
    for order in itertools.permutations(sessions):
        assert first_of(order, with_pod) is expected
