"""Sessions whose time has come: what is written, how often, and what becomes of a refusal."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import Any, cast

import pytest

from gamesession.controller.endings import Endings
from gamesession.controller.shelf import Key
from gamesession.controller.store import Store
from gamesession.kube.errors import ApiError, Conflict, ServerFault, Unreachable
from gamesession.kube.resources import Resource
from gamesession.plan.deadline import Deadline
from gamesession.plan.session import Session
from tests.eventually import eventually
from tests.unit.plan.objects import (
    ALICE,
    CHESS,
    NAMESPACE,
    Object,
    at,
    game,
    pod,
    ready_status,
    session,
    version,
)

CHESS_KEY: Key = (NAMESPACE, CHESS)


def quick_game() -> Object:
    """A Game whose sessions end after ten idle seconds."""
    return game(session={"idleTimeout": "10s"})


class Contact:
    """Contact that has stood for so many seconds."""

    def __init__(self) -> None:
        self.stood = 3600.0

    def seconds(self) -> float:
        return self.stood


class Cluster:
    """Takes note of DELETEs, and answers them as it is told to. There is one session, `current`."""

    current: Object

    def __init__(self) -> None:
        self.contact = Contact()
        self.refusal: ApiError | Unreachable | None = None
        self.deletes = 0
        self.answer = asyncio.Event()
        self.answer.set()

    async def delete(self, resource: Resource, namespace: str, name: str, **_: Any) -> Object:
        self.deletes += 1
        await self.answer.wait()
        if self.refusal:
            raise self.refusal
        return {}

    async def get(self, resource: Resource, namespace: str, name: str) -> Object:
        return self.current


class Announcer:
    """Takes note of what is told."""

    def __init__(self) -> None:
        self.events: list[str] = []
        self.ends: list[str] = []

    async def ending(self, session: Session, deadline: Deadline) -> None:
        self.events.append(deadline.reason.value)

    def ended(self, session: Session, deadline: Deadline, now: datetime) -> None:
        self.ends.append(deadline.reason.value)


class Scene:
    """A store whose sessions have their deadlines entered, and a clock that the test moves."""

    def __init__(self) -> None:
        self.time = 0.0
        self.store = Store(now=lambda: at(self.time))
        self.cluster, self.announcer, self.compared = Cluster(), Announcer(), 0
        self.endings = Endings(
            cast(Any, self.cluster),
            self.store,
            cast(Any, self.announcer),
            compare=self._compare,
            now=lambda: at(self.time),
        )
        self.store.on_session = self._on_session

    def _compare(self) -> None:
        self.compared += 1

    def _on_session(self, old: Session | None, new: Session | None) -> None:
        if new:
            self.endings.schedule(new)
        elif old:
            self.endings.forget(old)

    def see_ready(self, *, active: float = 0) -> None:
        """Alice's session, Ready since noon."""
        found = session(ALICE)
        found["status"] = ready_status(pod(of=found, ready=True), active=active)
        found["metadata"]["resourceVersion"] = version()
        self.cluster.current = found
        self.store.see_session(found, found=True)

    async def tick_until(self, end: float) -> None:
        """Second by second, as the timer does."""
        while self.time < end:
            self.time += 1
            await self.endings.tick(CHESS_KEY)


async def test_a_deletion_that_is_not_answered_delays_no_other() -> None:
    """kopf's timer waits for what it called: it begins the ends, and does not wait for them."""
    scene = Scene()
    scene.store.see_game(quick_game())
    scene.cluster.answer.clear()
    scene.see_ready()
    scene.time = 10
    first = scene.endings.begin(CHESS_KEY)
    bob = session("bob")
    bob["status"] = ready_status(pod(of=bob, ready=True), active=1)
    scene.store.see_session(bob, found=True)
    scene.time = 11
    second = scene.endings.begin(CHESS_KEY)

    async def both_were_asked_for() -> bool:
        return scene.cluster.deletes == 2

    await eventually(both_were_asked_for)
    scene.endings.stop()
    assert first and second
    await asyncio.wait({first, second})
    assert first.cancelled() and second.cancelled()


async def test_an_idle_session_is_told_of_and_deleted_once() -> None:
    scene = Scene()
    scene.store.see_game(quick_game())
    scene.see_ready()
    await scene.tick_until(9)
    assert scene.cluster.deletes == 0
    await scene.tick_until(20)
    assert (scene.announcer.events, scene.cluster.deletes) == (["IdleTimeout"], 1)
    assert scene.announcer.ends == ["IdleTimeout"]
    assert not len(scene.store.sessions)


async def test_activity_puts_the_end_off() -> None:
    scene = Scene()
    scene.store.see_game(quick_game())
    scene.see_ready()
    await scene.tick_until(5)
    scene.see_ready(active=5)
    await scene.tick_until(14)
    assert scene.cluster.deletes == 0
    await scene.tick_until(15)
    assert scene.cluster.deletes == 1


async def test_nothing_is_idle_until_contact_has_stood_for_a_while() -> None:
    scene = Scene()
    scene.store.see_game(quick_game())
    scene.see_ready()
    scene.time, scene.cluster.contact.stood = 100, 4
    await scene.endings.tick(CHESS_KEY)
    assert scene.cluster.deletes == 0
    scene.time, scene.cluster.contact.stood = 106, 10
    await scene.endings.tick(CHESS_KEY)
    assert scene.cluster.deletes == 1


@pytest.mark.parametrize("refusal", [ServerFault(500, {}), Unreachable("no answer")])
async def test_a_delete_that_is_refused_for_long_is_tried_less_and_less(
    refusal: ApiError | Unreachable,
) -> None:
    """And told of once: an Event each second would flood what it should help to see."""
    scene = Scene()
    scene.store.see_game(quick_game())
    scene.see_ready()
    scene.cluster.refusal = refusal
    await scene.tick_until(10 + 300)
    assert 10 <= scene.cluster.deletes <= 30
    assert scene.announcer.events == ["IdleTimeout"]
    scene.cluster.refusal = None
    await scene.tick_until(10 + 300 + 31)
    assert scene.announcer.ends == ["IdleTimeout"]


async def test_activity_in_the_last_moment_wins_and_the_next_end_is_told_of_anew() -> None:
    scene = Scene()
    scene.store.see_game(quick_game())
    scene.see_ready()
    scene.cluster.refusal = Conflict(409, {})
    await scene.tick_until(10)
    assert scene.compared == 1
    scene.cluster.refusal = None
    scene.see_ready(active=10)
    await scene.tick_until(19)
    assert not scene.announcer.ends
    await scene.tick_until(20)
    assert scene.announcer.ends == ["IdleTimeout"]
    assert scene.announcer.events == ["IdleTimeout", "IdleTimeout"]


async def test_sweep_and_timer_at_once_end_a_session_once() -> None:
    scene = Scene()
    scene.store.see_game(quick_game())
    scene.see_ready()
    scene.time = 10
    scene.cluster.answer.clear()
    both = asyncio.gather(scene.endings.tick(CHESS_KEY), scene.endings.sweep())
    await asyncio.sleep(0)
    scene.cluster.answer.set()
    await both
    assert (scene.cluster.deletes, scene.announcer.ends) == (1, ["IdleTimeout"])


async def test_a_session_whose_game_is_not_there_does_not_wait_for_the_sweep() -> None:
    """No timer runs for a Game that is not there."""
    scene = Scene()
    scene.store.see_session(session(ALICE, "nonesuch"))
    scene.time = 60
    await scene.endings.tick_all()
    assert scene.announcer.ends == ["Abandoned"]
