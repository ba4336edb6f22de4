"""What the operator knows of Games, sessions and pods, and who is whose."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest
from structlog.testing import capture_logs

from gamesession.controller.store import Store
from tests.unit.plan.objects import (
    NOON,
    Object,
    at,
    game,
    pod,
    ready_status,
    second,
    session,
    status,
    text,
)

CHESS = ("games", "chess")


class Clock:
    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> datetime:
        return self.now


class Heard:
    """What the store told of: (old, new) by kind."""

    def __init__(self, store: Store) -> None:
        self.games: list[tuple[Any, Any]] = []
        self.sessions: list[tuple[Any, Any]] = []
        self.pods: list[tuple[Any, Any]] = []
        store.on_game = lambda old, new: self.games.append((old, new))
        store.on_session = lambda old, new: self.sessions.append((old, new))
        store.on_pod = lambda old, new: self.pods.append((old, new))


def key(found: Object) -> tuple[str, str]:
    return found["metadata"]["namespace"], found["metadata"]["name"]


def uid(found: Object) -> str:
    return str(found["metadata"]["uid"])


def newer(found: Object, **status: Any) -> Object:
    """The same object, later."""
    version = str(int(found["metadata"]["resourceVersion"]) + 10_000)
    metadata = found["metadata"] | {"resourceVersion": version}
    return found | {"metadata": metadata, "status": found.get("status", {}) | status}


def store(*objects: Object, clock: Clock | None = None) -> Store:
    found = Store(now=clock or Clock())
    for each in objects:
        if each["kind"] == "Game":
            found.see_game(each)
        elif each["kind"] == "GameSession":
            found.see_session(each)
        else:
            found.see_pod(each)
    return found


# Seeing -----------------------------------------------------------------------------------------


def test_what_is_seen_is_told_once() -> None:
    found = Store()
    heard = Heard(found)
    for see, each in (
        (found.see_game, game()),
        (found.see_session, session()),
        (found.see_pod, pod()),
    ):
        see(each)
        see(each)
    assert len(heard.games) == len(heard.sessions) == len(heard.pods) == 1


def test_what_goes_is_told_once() -> None:
    one, two, three = game(), session(), pod()
    found = store(one, two, three)
    heard = Heard(found)
    for _ in range(2):
        found.lose_game(key(one), uid(one))
        found.lose_session(key(two), uid(two))
        found.lose_pod(key(three), uid(three))
    assert [new for _, new in heard.games + heard.sessions + heard.pods] == [None, None, None]


def test_a_game_that_cannot_be_read_is_left_as_it_was() -> None:
    found = store(game())
    broken = newer(game())
    broken["spec"] = {"services": []}
    with capture_logs() as lines:
        found.see_game(broken)
    assert found.games.get(CHESS) is not None
    assert lines[0]["event"] == "game cannot be read"


def test_a_session_that_cannot_be_read_stops_nobody() -> None:
    """One bad object must not keep the operator from all the others, however it came to be."""
    bad = session("mallory", idleTimeout="soon")
    found = Store()
    with capture_logs() as lines:
        found.see_session(bad)
    assert found.sessions.get(key(bad)) is None
    assert lines[0]["event"] == "session cannot be read"


def test_a_pod_that_cannot_be_read_stops_nobody() -> None:
    """A grace period of an age: it would leave in a year that our own objects do not know."""
    bad = pod()
    bad["metadata"]["deletionTimestamp"] = "5196-01-01T00:00:00Z"
    found = Store()
    with capture_logs() as lines:
        found.see_pod(bad)
    assert found.pods.get(key(bad)) is None
    assert lines[0]["event"] == "pod cannot be read"


# Activity ---------------------------------------------------------------------------------------


def activity(found: Store, of: Object) -> datetime | None:
    known = found.sessions.get(key(of))
    assert known is not None
    return known.active_at


def test_activity_that_is_seen_live_counts_from_when_it_was_seen() -> None:
    """Whatever the clock of its writer says."""
    clock, one = Clock(), session(status=status("Starting"))
    found = store(one, clock=clock)
    clock.now = at(100)
    found.see_session(newer(one, lastActivity=text(7)))
    assert activity(found, one) == at(100)


def test_other_changes_are_no_activity() -> None:
    clock, one = Clock(), session(status=status("Starting", lastActivity=at(-5)))
    found = Store(now=clock)
    found.see_session(one, found=True)
    clock.now = at(100)
    found.see_session(newer(one, phase="Ready"))
    assert activity(found, one) == at(-5)


def test_a_stamp_that_is_found_counts_as_it_stands() -> None:
    """After a restart, or the sessions would begin to idle anew with each."""
    one = session(status=status("Ready", lastActivity=at(-60)))
    found = Store(now=Clock())
    found.see_session(one, found=True)
    assert activity(found, one) == at(-60)


def test_the_next_life_inherits_no_activity() -> None:
    clock = Clock()
    found = store(session(status=status("Ready", lastActivity=at(-9))), clock=clock)
    clock.now = at(60)
    after = session(uid="uid-of-the-next", created=60)
    found.see_session(after)
    assert activity(found, after) is None


# Who is whose -----------------------------------------------------------------------------------


def test_pods_are_found_by_their_owner() -> None:
    found = store(session(), pod(1), pod(2), pod(of=session("bob")))
    assert sorted(each.attempt for each in found.pods_of("uid-of-alice")) == [1, 2]
    assert found.pods_of("uid-of-nobody") == ()


def test_sessions_are_found_by_game_player_and_uid() -> None:
    one, other = session(), session(name="by-hand", uid="uid-by-hand")
    found = store(one, other, session("bob", "draughts"))
    assert {each.uid for each in found.sessions_of(CHESS)} == {uid(one), uid(other)}
    known = found.session_of_uid("uid-by-hand")
    assert known is not None
    assert len(found.sessions_of_player("games", known.player)) == 2
    found.lose_session(key(other), uid(other))
    assert found.session_of_uid("uid-by-hand") is None
    assert len(found.sessions_of_player("games", known.player)) == 1


def test_pods_of_an_earlier_life_are_known_by_their_player() -> None:
    before, now = session(uid="uid-before"), session()
    found = store(before, pod(of=before, deleting=30), pod(of=session("bob")))
    found.see_session(now)
    known = found.session_of_uid(uid(now))
    assert known is not None
    assert [each.owner_uid for each in found.previous_pods(known)] == ["uid-before"]


def test_also_when_that_life_is_held_back_by_a_finalizer() -> None:
    ending = session(name="by-hand", uid="uid-by-hand", deleting=True)
    one = session()
    found = store(ending, one, pod(of=ending))
    known = found.session_of_uid(uid(one))
    assert known is not None
    assert [each.owner_uid for each in found.previous_pods(known)] == ["uid-by-hand"]


def test_the_pods_of_a_duplicate_that_lives_are_not_of_an_earlier_life() -> None:
    one, other = session(), session(name="by-hand", uid="uid-by-hand")
    found = store(one, other, pod(of=other))
    known = found.session_of_uid(uid(one))
    assert known is not None
    assert found.previous_pods(known) == ()


@pytest.mark.parametrize(
    "holds",
    [
        pytest.param([pod(of=session(name="by-hand", uid="uid-by-hand"))], id="a pod"),
        pytest.param([], id="a pod that nobody has seen yet"),
    ],
)
def test_of_several_sessions_of_one_player_the_one_with_a_pod_counts(holds: list[Object]) -> None:
    one = session()
    other = session(name="by-hand", uid="uid-by-hand", created=50)
    found = store(one, other, *holds)
    if not holds:
        found.expect("uid-by-hand", CHESS)
    known = found.session_of_uid(uid(one))
    assert known is not None
    first = found.first_of_player(known)
    assert first is not None
    assert first.uid == "uid-by-hand"


def test_when_a_session_is_seen_to_come_is_kept() -> None:
    clock = Clock()
    clock.now = at(0.25)
    one = session()
    found = store(one, clock=clock)
    clock.now = at(7)
    found.see_session(newer(one))
    [seen] = found.sessions.values()
    assert seen.seen_at == at(0.25)


def test_one_that_a_list_shows_may_have_come_long_ago() -> None:
    found = store()
    found.see_session(session(), found=True)
    [seen] = found.sessions.values()
    assert seen.seen_at is None


# maxSessions ------------------------------------------------------------------------------------


def test_pods_and_expectations_take_places() -> None:
    found = store(session(), session("bob"), pod())
    found.expect("uid-of-bob", CHESS)
    found.expect("uid-of-eve", ("games", "draughts"))
    assert found.occupied(CHESS) == {"uid-of-alice", "uid-of-bob"}


def test_a_pod_that_was_deleted_takes_none() -> None:
    assert store(session(), pod(deleting=30)).occupied(CHESS) == set()


def test_a_failed_session_takes_none() -> None:
    found = store(session(status=status("Failed")), pod())
    found.expect("uid-of-alice", CHESS)
    assert found.occupied(CHESS) == set()


def test_a_pod_whose_session_is_gone_takes_one_until_it_goes() -> None:
    assert store(pod()).occupied(CHESS) == {"uid-of-alice"}


def test_an_expectation_stands_until_the_pod_is_seen() -> None:
    found = store(session())
    found.expect("uid-of-alice", CHESS)
    found.see_pod(pod())
    assert not found.expected
    assert found.occupied(CHESS) == {"uid-of-alice"}


def test_what_happens_to_an_older_pod_meanwhile_does_not_end_it() -> None:
    """Kubelet writes of the pod that is being replaced while its successor is being made: were
    the place free in between, another session would take it."""
    leaving = pod(1, deleting=30)
    found = store(session(), leaving)
    found.expect("uid-of-alice", CHESS)
    found.see_pod(newer(leaving))
    assert found.occupied(CHESS) == {"uid-of-alice"}


def test_an_expectation_ends_with_the_session() -> None:
    one = session()
    found = store(one)
    found.expect("uid-of-alice", CHESS)
    found.lose_session(key(one), uid(one))
    assert not found.expected


def test_also_when_the_next_life_is_seen_before_the_end_of_the_first() -> None:
    """kopf tells of each uid by itself, in any order."""
    one = session()
    found = store(one)
    found.expect("uid-of-alice", CHESS)
    found.see_session(session(uid="uid-of-the-next"))
    found.lose_session(key(one), uid(one))
    assert not found.expected


def test_who_has_no_pod_and_may_have_one_waits() -> None:
    found = store(
        session(),
        session("bob"),
        session("cid", status=status("Failed")),
        session("dan", deleting=True),
        pod(),
    )
    assert [each.user for each in found.waiting(CHESS)] == ["bob"]
    found.expect("uid-of-bob", CHESS)
    assert found.waiting(CHESS) == []
    found.release("uid-of-bob")
    assert [each.user for each in found.waiting(CHESS)] == ["bob"]
    found.lose_session(key(session("bob")), "uid-of-bob")
    assert found.waiting(CHESS) == []


# Asking for an end ------------------------------------------------------------------------------


def test_a_pod_whose_end_was_asked_for_is_dying_as_the_answer_says() -> None:
    one = pod()
    found = store(one)
    [known] = found.pods_of("uid-of-alice")
    answer = newer(one)
    answer["metadata"]["deletionTimestamp"] = second(30)
    found.see_pod_leave(known, answer)
    [dying] = found.pods_of("uid-of-alice")
    assert dying.deleted_at == at(30), "onClose counts from its deletionTimestamp"
    found.see_pod(one)
    assert not found.pods_of("uid-of-alice")[0].is_alive, "an echo does not revive it"


def test_an_answer_that_does_not_show_the_pod_is_believed_too() -> None:
    one = pod()
    found = store(one)
    [known] = found.pods_of("uid-of-alice")
    found.see_pod_leave(known, {"kind": "Status", "status": "Success"})
    assert [each.deleted_at for each in found.pods_of("uid-of-alice")] == [NOON]


def test_an_answer_without_a_version_is_believed_too() -> None:
    """The API server gives none for a pod that was gone at once."""
    one = pod()
    found = store(one)
    [known] = found.pods_of("uid-of-alice")
    answer = newer(one)
    answer["metadata"]["deletionTimestamp"] = second(0)
    del answer["metadata"]["resourceVersion"]
    found.see_pod_leave(known, answer)
    assert [each.is_alive for each in found.pods_of("uid-of-alice")] == [False]


def test_an_answer_that_comes_after_the_end_revives_nobody() -> None:
    one = pod()
    found = store(one)
    [known] = found.pods_of("uid-of-alice")
    found.lose_pod(key(one), uid(one))
    answer = newer(one)
    answer["metadata"]["deletionTimestamp"] = second(30)
    found.see_pod_leave(known, answer)
    assert found.pods_of("uid-of-alice") == ()


def test_sessions_of_one_second_keep_the_order_they_were_seen_in() -> None:
    one, two = session("zoe"), session("ann")
    found = store(one, two)
    found.see_session(newer(one))
    orders = [each.order for each in (found.session_of_uid("uid-of-zoe"),) if each]
    later = found.session_of_uid("uid-of-ann")
    assert later is not None
    assert orders[0] < later.order


def test_a_ready_session_has_a_pod_even_if_that_is_not_seen_yet() -> None:
    """The other kind's list may come first."""
    one = session(created=50, status=ready_status(pod(ready=True)))
    other = session(name="by-hand", uid="uid-by-hand")
    found = store(one, other)
    known = found.session_of_uid("uid-by-hand")
    assert known is not None
    first = found.first_of_player(known)
    assert first is not None
    assert first.uid == "uid-of-alice"
