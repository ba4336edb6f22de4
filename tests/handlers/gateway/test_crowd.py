"""A crowd before closed doors: 500 first requests of 50 users, 400 places, pods that take long."""

from __future__ import annotations

import asyncio
import gc
import random
from collections import Counter, defaultdict
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from gamesession.gateway.body import Body
from gamesession.gateway.upstream import READ_BUFFER
from tests.eventually import eventually
from tests.handlers.gateway.pods import HttpPod
from tests.handlers.gateway.stage import Stage

USERS = [f"user-{number}" for number in range(50)]
EACH = 10
PLACES = 400


@dataclass(frozen=True)
class Answer:
    """What a request got; `pod` is the address of the pod that answered, if one did."""

    user: str
    status: int
    retry_after: int
    pod: str | None


class Crowd:
    """All who ask at once."""

    def __init__(self, stage: Stage, order: int) -> None:
        self._stage = stage
        comers = USERS * EACH
        random.Random(order).shuffle(comers)
        self.tasks = [asyncio.create_task(ask(stage, user), name=user) for user in comers]

    async def settled(self) -> bool:
        """Whether everybody waits, or has been told to come again."""
        waiting = self._stage.service.holds.places.taken("chess")
        return waiting + len(self.answers()) == len(USERS) * EACH

    def answers(self) -> list[Answer]:
        """What has been answered so far."""
        return [task.result() for task in self.tasks if task.done() and not task.cancelled()]

    def waiting(self) -> dict[str, list[asyncio.Task[Answer]]]:
        """Those who wait, by user."""
        found = defaultdict(list)
        for task in self.tasks:
            if not task.done():
                found[task.get_name()].append(task)
        return found


async def ask(stage: Stage, user: str) -> Answer:
    """One request."""
    async with stage.get("/api/chess/", user) as answer:
        body = await answer.json()
        retry_after = int(answer.headers.get("Retry-After", 0))
        return Answer(user, answer.status, retry_after, body.get("pod"))


@pytest.fixture
async def doors(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Stage]:
    """A stage with 400 places, on which nobody gets a pod yet."""
    monkeypatch.setattr("gamesession.client.rhythm.PENDING_INTERVAL", timedelta(seconds=0.2))
    limits: dict[str, Any] = {"max_held": PLACES, "max_held_per_game": PLACES}
    # Pods come when the test says so; no slow machine is to end a hold before.
    async with Stage(hold=timedelta(minutes=10), **limits) as stage:
        stage.pod_for = lambda session: None
        await connect_anew(stage)
        await stage.add_game()
        yield stage


async def connect_anew(stage: Stage) -> None:
    """Close all connections; as many new ones may be opened as there are requests."""
    await stage.http.close()
    stage.http = aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0), timeout=aiohttp.ClientTimeout(total=None)
    )


async def open_doors(stage: Stage, users: list[str]) -> dict[str, str]:
    """Give each of these users a pod; returns the pods' addresses."""
    pods = {user: HttpPod() for user in users}
    for user, pod in pods.items():
        await stage.bind(stage.session(user)["metadata"]["name"], pod)
    return {user: pod.ip for user, pod in pods.items()}


async def send_home(stage: Stage) -> None:
    """All connections and sessions end, and the gateway hears of it."""
    await connect_anew(stage)
    for plural in ("gamesessions", "pods"):
        for name in list(stage.api.objects[plural]):
            stage.api.remove(plural, name)
    for pod in stage.pods.values():
        await pod.stop()
    stage.pods.clear()

    async def heard() -> bool:
        directory = stage.service.directory
        return not directory.sessions.values() and not directory.pods.values()

    await eventually(heard)


def ours() -> Counter[str]:
    """What there is in memory of the gateway's own kinds."""
    gc.collect()
    kinds = (type(each) for each in gc.get_objects())
    return Counter(
        kind.__qualname__ for kind in kinds if str(kind.__module__).startswith("gamesession")
    )


@pytest.mark.parametrize("order", [1, 2])
async def test_nobody_starves_and_nobody_gets_anothers_pod(doors: Stage, order: int) -> None:
    crowd = Crowd(doors, order)
    await eventually(crowd.settled)
    refused = crowd.answers()
    assert {(answer.status, answer.retry_after > 0) for answer in refused} == {(429, True)}
    assert 0.75 * PLACES <= len(USERS) * EACH - len(refused) <= PLACES
    assert set(crowd.waiting()) == set(USERS)
    assert doors.api.count("create", "gamesessions") == len(USERS)

    pods = await open_doors(doors, USERS)
    answers = await asyncio.gather(*crowd.tasks)
    served = [answer for answer in answers if answer.status == 200]
    assert len(served) + len(refused) == len(USERS) * EACH
    again = await asyncio.gather(*(ask(doors, answer.user) for answer in refused))
    assert all(answer.pod == pods[answer.user] for answer in [*served, *again])
    assert {answer.user for answer in served} == set(USERS)


async def test_those_who_leave_leave_nothing_behind(doors: Stage) -> None:
    """Some requests of everybody are abandoned, and some users go altogether."""
    service, gone = doors.service, USERS[:10]
    crowd = Crowd(doors, 3)
    await eventually(crowd.settled)
    left: list[asyncio.Task[Answer]] = []
    for user, tasks in crowd.waiting().items():
        left += tasks if user in gone else tasks[1:3]
    for task in left:
        task.cancel()
    await asyncio.gather(*left, return_exceptions=True)
    staying = sum(len(tasks) for tasks in crowd.waiting().values())

    async def free() -> bool:
        return service.holds.places.taken("chess") == staying

    await eventually(free)

    async def forgotten() -> bool:
        """Nobody keeps the sessions of those who went from being abandoned."""
        uids = {doors.session(user)["metadata"]["uid"] for user in gone}
        return not uids & set(service.activity._uses)

    await eventually(forgotten)
    pods = await open_doors(doors, USERS[10:])
    for task in crowd.tasks:
        if task not in left and (await task).status == 200:
            assert task.result().pod == pods[task.get_name()]
    assert service.holds.places.taken("chess") == 0
    assert not service.directory._changes._waiting
    assert not any(use.open for use in service.activity._uses.values())


async def test_of_a_crowd_that_has_gone_nothing_is_kept(doors: Stage) -> None:
    before = ours()

    async def as_before() -> bool:
        left = ours() - before
        # One at most of a kind, as caches have it of the last of something.
        assert not [kind for kind, count in left.items() if count > 1], left
        return True

    for order in range(2):
        crowd = Crowd(doors, order)
        await eventually(crowd.settled)
        with pytest.raises(AssertionError):
            await as_before()
        for task in crowd.tasks[:50]:
            task.cancel()
        await asyncio.gather(*crowd.tasks[:50], return_exceptions=True)
        await open_doors(doors, USERS)
        await asyncio.gather(*crowd.tasks, return_exceptions=True)
        del crowd, task
        await send_home(doors)
        await eventually(as_before)


async def test_what_waits_is_left_unread_beyond_a_bounded_part(doors: Stage) -> None:
    """Bodies of 2 MiB, of which no more is taken in than fits into our buffers."""
    requests: list[web.BaseRequest] = []
    body_of = doors.service._gateway._body_of

    def noted(request: web.BaseRequest) -> Body:
        requests.append(request)
        return body_of(request)

    doors.service._gateway._body_of = noted
    size = 32 * READ_BUFFER

    async def upload(user: str) -> Any:
        async with doors.post("/api/chess/", user, data=b"x" * size) as answer:
            return await answer.json()

    tasks = [asyncio.create_task(upload(user)) for user in USERS]

    async def full() -> bool:
        """Nothing more is read from any of them."""
        paused = [each for each in requests if each.content._protocol._reading_paused]
        held = doors.service.holds.places.taken("chess")
        return len(paused) == held == len(USERS)

    await eventually(full)
    assert max(each.content.total_bytes for each in requests) <= 4 * READ_BUFFER
    pods = await open_doors(doors, USERS)
    for user, answer in zip(USERS, await asyncio.gather(*tasks), strict=True):
        assert answer["pod"] == pods[user]
    assert {len(body) for pod in doors.pods.values() for body in pod.bodies} == {size}  # type: ignore[union-attr]
