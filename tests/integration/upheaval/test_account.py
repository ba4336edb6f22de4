"""The account finds what is wrong."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from gamesession.kube.cluster import Object
from tests.integration.follower import Change
from tests.integration.upheaval.account import Account, Upheaval
from tests.integration.upheaval.audit import Write, two_at_once

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)
ID = f"alice_chess_{NOON.timestamp():.0f}"
OBJECT: Object = {
    "metadata": {"uid": "1", "name": "s", "creationTimestamp": "2026-01-31T12:00:00Z"},
    "spec": {"user": "alice", "game": "chess"},
}


def at(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def ended(gone: float, *, used: float) -> Account:
    """A session that was used and went, with a timeout of 10 s."""
    account = Account(timedelta(seconds=10))
    account.see(Change(at(0), "ADDED", OBJECT))
    account.used(ID, at(used))
    account.lives["1"].left = at(used)
    account.see(Change(at(gone), "DELETED", OBJECT))
    return account


def test_a_session_that_was_used_within_its_timeout_ended_early() -> None:
    assert ended(14, used=5).early()
    assert not ended(15, used=5).early()


def test_a_session_ended_late_unless_something_was_in_the_way() -> None:
    account = ended(100, used=5)
    assert account.late()
    account.upheavals.append(Upheaval("etcd paused", at(10), at(60)))
    assert not account.late()
    assert not ended(20, used=5).late()


def test_a_session_that_stays_is_leaked_and_two_are_one_too_many() -> None:
    account = Account(timedelta(seconds=10))
    account.see(Change(at(0), "ADDED", OBJECT))
    assert account.leaked() == [ID]
    assert not account.lost(["alice"])
    assert account.lost(["bob"])


def test_a_write_that_comes_when_another_leads_is_found() -> None:
    def write(by: str, what: str, seconds: float) -> Write:
        return Write(by, what, 200, at(seconds), at(seconds + 0.1))

    taken = [write("a", "patch leases x", 0), write("b", "patch leases x", 12)]
    assert not two_at_once([*taken[:1], write("a", "create pods x", 1), taken[1]])
    assert two_at_once([*taken, write("a", "create pods x", 13)])
    assert not two_at_once([*taken, write("b", "create pods x", 13)])
