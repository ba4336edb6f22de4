"""A GameSession as the operator reads it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from gamesession.api.labels import GAME_LABEL
from gamesession.plan.session import Session
from tests.unit.plan.objects import NOON, a_session, at, pod, ready_status, session


def test_a_new_session_has_nothing() -> None:
    found = Session.from_object(session())
    assert (found.user, found.game, found.phase, found.pod_uid) == ("alice", "chess", "", "")
    assert found.created_at == NOON
    assert (found.last_activity, found.active_at, found.ready_at) == (None, None, None)
    assert found.idle_timeout is None
    assert not found.deleting
    assert dict(found.condition) == {}


def test_its_status_is_read() -> None:
    bound = pod(3, ready=True)
    found = Session.from_object(session(status=ready_status(bound, since=5, active=7)))
    assert found.phase == "Ready"
    assert found.pod_name == bound["metadata"]["name"]
    assert found.pod_uid == bound["metadata"]["uid"]
    assert dict(found.services) == {"agent": "10.0.0.1:8001"}
    assert (found.ready_at, found.last_activity, found.active_at) == (at(5), at(7), at(7))
    assert found.condition["reason"] == "PodReady"


def test_its_own_idle_timeout_is_read() -> None:
    assert Session.from_object(session(idleTimeout="1m30s")).idle_timeout == timedelta(seconds=90)


def test_names_tell_who_made_it() -> None:
    assert Session.from_object(session()).has_derived_name
    by_hand = Session.from_object(session(name="mine"))
    assert not by_hand.has_derived_name
    assert by_hand.player == Session.from_object(session()).player


def test_a_session_is_adopted_when_labels_and_owner_are_there() -> None:
    assert Session.from_object(session()).labelled
    assert Session.from_object(session()).owner_uids == {"uid-of-chess"}
    assert not Session.from_object(session(adopted=False)).labelled
    other = session()
    other["metadata"]["labels"][GAME_LABEL] = "draughts"
    assert not Session.from_object(other).labelled


def test_which_game_it_was_made_for_is_read_from_its_owners() -> None:
    """By uid, for there may be another Game of that name by now; other owners don't count."""
    assert Session.from_object(session()).game_uids == {"uid-of-chess"}
    owned = session()
    owned["metadata"]["ownerReferences"] = [{"kind": "ConfigMap", "name": "chess", "uid": "other"}]
    assert Session.from_object(owned).game_uids == set()


def test_times_of_any_precision_and_zone_are_read() -> None:
    """People and other programs write the status' times, too."""
    for written in ("2026-01-31T12:00:00Z", "2026-01-31T12:00:00.000000000Z"):
        assert Session.from_object(session(status={"lastActivity": written})).active_at == NOON
    zoned = Session.from_object(session(status={"lastActivity": "2026-01-31T13:00:00+01:00"}))
    assert zoned.active_at == datetime(2026, 1, 31, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("seen", "came"),
    [
        pytest.param(None, 0, id="it was there before us"),
        pytest.param(0.25, 0.25, id="seen as it came"),
        pytest.param(1, 0, id="seen late: when in its second it came is not known"),
        pytest.param(-0.5, 0, id="by clocks that disagree"),
    ],
)
def test_when_it_came_is_known_better_than_to_the_second(seen: float | None, came: float) -> None:
    found = replace(a_session(created=0), seen_at=None if seen is None else at(seen))
    assert found.came_at == at(came)
