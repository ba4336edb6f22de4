"""`session/events`: what is told, when, and when it ends."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import aiohttp
import pytest

from gamesession.gateway import events
from tests.eventually import eventually
from tests.handlers.gateway.pods import HttpPod
from tests.handlers.gateway.stage import Stage, token

SECONDS = 30.0
EVENTS = "/api/chess/session/events"


class Stream:
    """What a stream of events says, event by event, as a browser would read it."""

    def __init__(self, answer: aiohttp.ClientResponse) -> None:
        self.answer = answer
        self.comments: list[str] = []
        self.retry = 0
        self.last_id = ""

    async def next(self) -> tuple[str, Any] | None:
        """Name and data of the next event; `None` at the end of the stream."""
        name, data = "message", ""
        async with asyncio.timeout(SECONDS):
            while line := (await self.answer.content.readline()).decode():
                field, _, value = line.rstrip("\n").partition(":")
                match field, value.removeprefix(" "):
                    case "event", said:
                        name = said
                    case "data", said:
                        data += said
                    case "id", said:
                        self.last_id = said
                    case "retry", said:
                        self.retry = int(said)
                    case "", said if said:
                        self.comments.append(said)
                    case _ if data:
                        return name, json.loads(data)
        return None

    async def status(self) -> Any:
        """The data of the next event `status`."""
        while (event := await self.next()) is not None:
            if event[0] == "status":
                return event[1]
        raise AssertionError("the stream has ended")

    async def to_the_end(self) -> list[tuple[str, Any]]:
        """All that is left of it."""
        found = []
        while (event := await self.next()) is not None:
            found.append(event)
        return found


@asynccontextmanager
async def listening(stage: Stage, user: str = "alice", **headers: str) -> AsyncIterator[Stream]:
    """A stream of events."""
    async with stage.get(EVENTS, user, headers=headers) as answer:
        assert answer.status == 200
        assert answer.headers["Content-Type"].startswith("text/event-stream")
        assert answer.headers["Cache-Control"] == "no-store"
        yield Stream(answer)


@pytest.fixture
async def slow(stage: Stage) -> Stage:
    """A stage with a session of alice's that stays Pending."""
    stage.pod_for = lambda session: None
    async with stage.post("/api/chess/session/open") as answer:
        assert answer.status == 202
    return stage


def name_of(stage: Stage) -> str:
    return str(stage.session()["metadata"]["name"])


async def test_each_change_is_told_until_it_is_ready(slow: Stage) -> None:
    async with listening(slow) as stream:
        async with slow.get("/api/chess/session/status") as answer:
            pending = await answer.json()
        assert await stream.next() == ("status", pending)
        assert pending["phase"] == "Pending"
        assert stream.retry > 0
        pod = HttpPod()
        await pod.listen()
        made = slow.give_pod(name_of(slow), pod)
        assert (await stream.status())["phase"] == "Starting"
        slow.set_ready(name_of(slow), made)
        last, ready = (await stream.to_the_end())[-1]
        assert (last, ready["phase"]) == ("status", "Ready")
        assert ready["session_id"] == pending["session_id"]


async def test_one_that_is_ready_is_told_of_once(stage: Stage) -> None:
    await stage.add_session()
    async with listening(stage) as stream:
        ((event, body),) = await stream.to_the_end()
        assert (event, body["phase"]) == ("status", "Ready")


async def test_none_is_told_of_and_none_is_made(stage: Stage) -> None:
    async with listening(stage) as stream:
        ((event, body),) = await stream.to_the_end()
        assert (event, body["has_session"]) == ("status", False)
    assert stage.api.writes == []


async def test_one_that_goes_is_told_of(slow: Stage) -> None:
    async with listening(slow) as stream:
        await stream.status()
        slow.api.remove("gamesessions", name_of(slow))
        assert (await stream.status())["has_session"] is False
        assert await stream.next() is None


@pytest.mark.parametrize("end", ["ready", "gone"])
async def test_who_has_heard_the_end_is_told_not_to_come_again(stage: Stage, end: str) -> None:
    """A browser connects again after every end, but for a 204."""
    if end == "ready":
        await stage.add_session()
    async with listening(stage) as stream:
        await stream.to_the_end()
    if end == "ready":
        stage.api.change("gamesessions", name_of(stage), lambda found: None)
    async with stage.get(EVENTS, headers={"Last-Event-ID": stream.last_id}) as answer:
        assert (answer.status, await answer.read()) == (204, b"")
    async with listening(stage, **{"Last-Event-ID": "another life's"}) as stream:
        assert len(await stream.to_the_end()) == 1


async def test_why_it_waits_is_told_and_why_it_failed_in_its_own_words(slow: Stage) -> None:
    def full(session: Any) -> None:
        condition = {"type": "Ready", "status": "False", "reason": "AwaitingCapacity"}
        session["status"] = {
            "phase": "Pending",
            "conditions": [{**condition, "message": "For administrators."}],
        }

    async with listening(slow) as stream:
        await stream.status()
        slow.api.change("gamesessions", name_of(slow), full)
        assert await stream.next() == ("condition", {"reason": "AwaitingCapacity", "message": None})
        slow.fail(name_of(slow), "The image café/チェス is missing.\nReally.")
        told = [event for _ in range(2) if (event := await stream.next()) is not None]
        failed = {"reason": "ImageMissing", "message": "The image café/チェス is missing.\nReally."}
        assert ("condition", failed) in told
        assert [body["phase"] for event, body in told if event == "status"] == ["Failed"]


async def test_a_user_hears_of_nobody_elses(slow: Stage) -> None:
    async with listening(slow, "bob") as stream:
        ((_, body),) = await stream.to_the_end()
        assert body["has_session"] is False


async def test_silence_is_broken_by_comments(slow: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "HEARTBEAT", 0.05)
    async with listening(slow) as stream:
        await stream.status()
        waiting = asyncio.create_task(stream.next())

        async def heard() -> bool:
            return len(stream.comments) >= 3

        await eventually(heard)
        waiting.cancel()


async def test_who_listens_keeps_a_pending_session_from_being_abandoned(
    slow: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gamesession.client.rhythm.PENDING_INTERVAL", timedelta(seconds=0.1))

    async def written() -> bool:
        return slow.api.count("patch", "gamesessions/status") >= 3

    async with listening(slow):
        await eventually(written)


async def test_listening_is_no_activity_of_a_session_that_has_a_pod(slow: Stage) -> None:
    async with listening(slow) as stream:
        slow.give_pod(name_of(slow), HttpPod())
        while (await stream.status())["phase"] != "Starting":
            pass
        assert all(not use.open for use in slow.service.activity._uses.values())


# Bounds -------------------------------------------------------------------------------------------


async def test_a_stream_takes_a_place_and_frees_it_when_its_client_goes(slow: Stage) -> None:
    places, activity = slow.service.holds.places, slow.service.activity

    async def free() -> bool:
        return places.taken("chess") == 0

    async with listening(slow) as stream:
        await stream.status()
        assert places.taken("chess") == 1
    await eventually(free)
    assert all(not use.open for use in activity._uses.values())


async def test_streams_beyond_the_bounds_are_refused() -> None:
    async with Stage(max_held_per_user=1) as stage:
        stage.pod_for = lambda session: None
        await stage.add_game()
        async with stage.post("/api/chess/session/open") as answer:
            assert answer.status == 202
        async with listening(stage) as stream:
            await stream.status()
            async with stage.get(EVENTS) as answer:
                assert answer.status == 429
                assert int(answer.headers["Retry-After"]) > 0


async def test_a_stream_ends_with_its_token(slow: Stage) -> None:
    soon = token(exp=int(time.time()) + 2)
    async with listening(slow, Authorization=f"Bearer {soon}") as stream:
        told = await stream.to_the_end()
        assert [body["phase"] for event, body in told if event == "status"] == ["Pending"]


async def test_a_gateway_that_stops_ends_it_whole(slow: Stage) -> None:
    async with listening(slow) as stream:
        await stream.status()
        stopping = asyncio.create_task(slow.service.drain.finish())
        assert await stream.to_the_end() == []
        await stopping
