"""The end of sessions whose time has come: the timer's work, and the sweep's."""

from __future__ import annotations

from typing import Any

import pytest
from prometheus_client import REGISTRY
from structlog.testing import capture_logs

from tests.handlers.apiserver import hang_up, refusal
from tests.handlers.scene import CHESS, Scene
from tests.unit.plan.objects import (
    Object,
    a_session,
    game,
    pod,
    ready_status,
    second,
    session,
    status,
    text,
)

SERVING = pod(ready=True)
NAME = a_session().name
QUICK = game(session={"idleTimeout": "10s"})


class Clock:
    """The clock of the contact with the API server."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self.since = -3600.0

    def __call__(self) -> float:
        return self._scene.seconds - self.since


@pytest.fixture(autouse=True)
def contact(scene: Scene) -> Clock:
    """Contact has stood for an hour, unless the test says otherwise."""
    clock = Clock(scene)
    scene.cluster.contact.seconds = clock  # type: ignore[method-assign]
    return clock


def idle(scene: Scene, *more: Object, of: Object = QUICK, **fields: Any) -> None:
    """A session that has been Ready, and idle, since noon."""
    scene.start(of, session(status=ready_status(SERVING), **fields), SERVING, *more)


def there(scene: Scene) -> bool:
    return bool(scene.server.all("gamesessions"))


# The timer --------------------------------------------------------------------------------------


async def test_nothing_is_asked_of_anyone_while_nothing_is_due(scene: Scene) -> None:
    idle(scene)
    for scene.seconds in (0, 5, 9.9):
        await scene.endings.tick(CHESS)
    assert scene.server.requests == []


async def test_an_idle_session_is_removed_and_an_event_says_why_before(scene: Scene) -> None:
    idle(scene)
    scene.seconds = 10
    await scene.endings.tick(CHESS)
    event, deletion = scene.server.requests
    assert (event.method, event.data["reason"]) == ("POST", "IdleTimeout")
    assert event.data["note"] == "No activity for 10s."
    assert event.data["regarding"]["uid"] == "uid-of-alice"
    assert (deletion.method, deletion.name) == ("DELETE", NAME)
    assert not there(scene)


async def test_it_is_removed_only_as_it_was_when_that_was_decided(scene: Scene) -> None:
    idle(scene)
    known = scene.server.one("gamesessions")["metadata"]["resourceVersion"]
    scene.seconds = 10
    await scene.endings.tick(CHESS)
    [deletion] = scene.server["delete"]
    assert deletion.data["preconditions"] == {"uid": "uid-of-alice", "resourceVersion": known}
    assert deletion.data["propagationPolicy"] == "Background"


async def test_it_is_logged_and_the_sweep_counted(scene: Scene) -> None:
    idle(scene)
    scene.seconds = 12
    with capture_logs() as lines:
        await scene.endings.tick(CHESS)
    assert lines == [
        {
            "event": "expired session removed",
            "log_level": "info",
            "user": "alice",
            "game": "chess",
            "session": NAME,
            "reason": "IdleTimeout",
            "idle_seconds": 12.0,
        },
        {"event": "expired sessions removed", "log_level": "info", "count": 1},
    ]


async def test_several_are_one_sweep(scene: Scene) -> None:
    idle(scene, session("bob", status=ready_status(SERVING)))
    scene.seconds = 8
    scene.start(session("eve", status=ready_status(SERVING, since=8)))
    scene.seconds = 10
    with capture_logs() as lines:
        await scene.endings.tick(CHESS)
    assert lines[-1] == {"event": "expired sessions removed", "log_level": "info", "count": 2}
    assert [each["spec"]["user"] for each in scene.server.all("gamesessions")] == ["eve"]


async def test_what_is_removed_is_counted_by_reason(scene: Scene) -> None:
    labels = {"game": "chess", "reason": "IdleTimeout"}
    before = REGISTRY.get_sample_value("gamesession_ended_total", labels) or 0
    idle(scene)
    scene.seconds = 10
    await scene.endings.tick(CHESS)
    assert REGISTRY.get_sample_value("gamesession_ended_total", labels) == before + 1


async def test_activity_puts_it_off(scene: Scene) -> None:
    idle(scene)
    scene.seconds = 9
    scene.server.store(session(status=ready_status(SERVING, active=9)))
    scene.tell()
    for scene.seconds in (10, 18.9):
        await scene.endings.tick(CHESS)
    assert there(scene)
    scene.seconds = 19
    await scene.endings.tick(CHESS)
    assert not there(scene)


async def test_a_shorter_timeout_counts_at_once(scene: Scene) -> None:
    idle(scene, of=game())
    edited = game(session={"idleTimeout": "10s"})
    edited["metadata"]["generation"] = 2
    scene.server.store(edited)
    scene.tell()
    scene.seconds = 10
    await scene.endings.tick(CHESS)
    assert not there(scene)


async def test_who_is_gone_is_not_removed_again(scene: Scene) -> None:
    idle(scene)
    scene.server.remove(session())
    scene.tell()
    scene.seconds = 10
    await scene.endings.tick(CHESS)
    assert scene.server.requests == []


async def test_the_next_life_is_not_removed_for_the_first_ones_idleness(scene: Scene) -> None:
    idle(scene)
    scene.seconds = 9
    after = session(uid="uid-of-the-next", created=9, status=ready_status(SERVING, since=9))
    scene.start(after)
    scene.seconds = 10
    await scene.endings.tick(CHESS)
    assert there(scene)
    scene.seconds = 19
    await scene.endings.tick(CHESS)
    assert not there(scene)


# What wins --------------------------------------------------------------------------------------


async def test_activity_between_the_look_and_the_delete_wins(scene: Scene) -> None:
    idle(scene)
    scene.seconds = 10
    active = scene.server.store(session(status=ready_status(SERVING, active=9.5)))
    await scene.endings.tick(CHESS)
    assert scene.server.one("gamesessions")["status"] == active["status"]
    assert scene.asked_to_compare == 1


async def test_and_is_heeded_before_anyone_tells_of_it(scene: Scene) -> None:
    """The watch may be slow or deaf: an Event each second would say what does not happen."""
    idle(scene)
    scene.seconds = 10
    scene.server.store(session(status=ready_status(SERVING, active=9.5)))
    await scene.endings.tick(CHESS)
    for scene.seconds in (11, 12, 19):
        await scene.endings.tick(CHESS)
    assert len(list(scene.server["delete"])) == 1
    assert there(scene)
    scene.seconds = 20  # activity counts from when it was seen
    await scene.endings.tick(CHESS)
    assert not there(scene)


async def test_activity_that_comes_while_others_are_removed_wins(scene: Scene) -> None:
    """Of many that are due at once, the last wait for the first."""
    users = sorted((f"user-{n}" for n in range(40)), key=lambda user: a_session(user).name)
    idle(scene, *(session(user, status=ready_status(SERVING)) for user in users))
    scene.seconds = 10
    last = session(users[-1], status=ready_status(SERVING, active=9.9))

    def active(request: Any) -> None:
        scene.server.store(last)
        scene.store.see_session(last)

    scene.server["delete"][:1] >> active
    await scene.endings.tick(CHESS)
    removed = {each.name for each in scene.server["delete"]}
    assert last["metadata"]["name"] not in removed
    notes = {each["regarding"]["name"] for each in scene.server.all("events")}
    assert last["metadata"]["name"] not in notes, "and nobody said that it had ended"


async def test_a_life_that_was_long_enough_ends_however_active(scene: Scene) -> None:
    """No version is asked for: with activity every moment it might never match."""
    idle(scene, of=game(session={"maxLifetime": "1h", "idleTimeout": "2h"}))
    scene.seconds = 3600
    scene.server.store(session(status=ready_status(SERVING, active=3599.9)))
    await scene.endings.tick(CHESS)
    assert not there(scene)
    assert scene.server.events == [("Normal", "MaxLifetime")]


async def test_another_life_under_that_name_is_not_removed(scene: Scene) -> None:
    idle(scene, of=game(session={"maxLifetime": "1h", "idleTimeout": "2h"}))
    scene.seconds = 3600
    scene.server.store(session(uid="uid-of-the-next"))
    await scene.endings.tick(CHESS)
    assert there(scene)
    known = scene.store.sessions.get(("games", NAME))
    assert known is not None
    assert known.uid == "uid-of-the-next"


# Grace ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("timeout", "contact_for", "ends"),
    [
        pytest.param("10s", 9.9, False, id="gateways may yet write what they kept"),
        pytest.param("10s", 10, True, id="they have had as long as the timeout"),
        pytest.param("5m", 59.9, False, id="a minute, of longer ones"),
        pytest.param("5m", 60, True, id="no longer"),
        pytest.param("10s", 0, False, id="there is no contact"),
    ],
)
async def test_no_idle_end_so_soon_after_contact_was_regained(
    scene: Scene, contact: Clock, timeout: str, contact_for: float, ends: bool
) -> None:
    idle(scene, of=game(session={"idleTimeout": timeout}))
    scene.seconds = 600
    contact.since = 600 - contact_for
    await scene.endings.tick(CHESS)
    assert there(scene) is not ends
    assert bool(scene.server.requests) is ends


async def test_the_end_comes_when_the_grace_is_over(scene: Scene, contact: Clock) -> None:
    idle(scene)
    scene.seconds, contact.since = 12, 8
    await scene.endings.tick(CHESS)
    scene.seconds = 17.9
    await scene.endings.tick(CHESS)
    assert there(scene)
    scene.seconds = 18
    await scene.endings.tick(CHESS)
    assert not there(scene)


async def test_what_no_activity_puts_off_needs_no_grace(scene: Scene, contact: Clock) -> None:
    failed = session(status=status("Failed", failedAt=text(0)))
    scene.start(QUICK, failed)
    scene.seconds = contact.since = 120
    await scene.endings.tick(CHESS)
    assert not there(scene)
    assert scene.server.events == [("Normal", "Failed")]


# Answers ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "answer",
    [refusal(403, "Forbidden"), refusal(429, "Later"), refusal(500, "Fault"), hang_up],
)
async def test_a_deletion_that_was_not_taken_is_tried_again_within_a_second(
    scene: Scene, answer: Any
) -> None:
    # aiohttp asks again by itself when a connection breaks.
    scene.server["delete"][: 2 if answer is hang_up else 1] << answer
    idle(scene)
    scene.seconds = 10
    with capture_logs() as lines:
        await scene.endings.tick(CHESS)
    assert [line["event"] for line in lines] == ["session could not be removed"]
    assert there(scene)
    scene.seconds = 10.4
    await scene.endings.tick(CHESS)
    assert there(scene)
    scene.seconds = 11
    await scene.endings.tick(CHESS)
    assert not there(scene)


@pytest.mark.parametrize("answer", [refusal(403, "Forbidden"), refusal(500, "Fault"), hang_up])
async def test_an_event_that_cannot_be_posted_keeps_nobody_alive(scene: Scene, answer: Any) -> None:
    scene.server["post"] << answer
    idle(scene)
    scene.seconds = 10
    await scene.endings.tick(CHESS)
    assert not there(scene)


async def test_who_was_closed_meanwhile_has_not_expired(scene: Scene) -> None:
    """Whoever deleted it has told why: neither logged nor counted here."""
    labels = {"game": "chess", "reason": "IdleTimeout"}
    before = REGISTRY.get_sample_value("gamesession_ended_total", labels)
    idle(scene)
    scene.server.remove(session())
    scene.seconds = 10
    with capture_logs() as lines:
        await scene.endings.tick(CHESS)
    assert lines == []
    assert REGISTRY.get_sample_value("gamesession_ended_total", labels) == before
    assert scene.store.session_of_uid("uid-of-alice") is None


async def test_a_session_that_somebody_holds_back_is_going_but_not_gone(scene: Scene) -> None:
    """With a finalizer of somebody's own the API server answers with the object on its way out."""

    def mark(request: Any) -> Object:
        found = scene.server.one("gamesessions")
        found["metadata"]["deletionTimestamp"] = second(10)
        return scene.server.store(found)

    scene.server["delete"] << mark
    idle(scene)
    scene.seconds = 10
    await scene.endings.tick(CHESS)
    known = scene.store.session_of_uid("uid-of-alice")
    assert known is not None
    assert known.deleting
    scene.seconds = 20
    await scene.endings.tick(CHESS)
    assert len(list(scene.server["delete"])) == 1


# The sweep --------------------------------------------------------------------------------------


async def test_the_sweep_finds_who_the_timer_missed(scene: Scene) -> None:
    idle(scene)
    scene.endings.forget(a_session())
    scene.seconds = 10
    await scene.endings.tick(CHESS)
    assert there(scene)
    await scene.endings.sweep()
    assert not there(scene)


async def test_who_waits_for_a_game_that_is_not_there_is_abandoned_in_a_minute(
    scene: Scene,
) -> None:
    """Such a session has no Game, and so no timer."""
    scene.start(session(status=status("Pending", reason="GameNotFound")))
    scene.seconds = 59.9
    await scene.endings.tick_all()
    assert scene.server.requests == []
    scene.seconds = 60
    await scene.endings.tick_all()
    assert not there(scene)
    assert scene.server.events == [("Normal", "Abandoned")]
