"""The service live_service: server-sent events."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from tests.unit.samples.fortune_pod import DEADLINE, MakePod, events_of, identity

EVENTS = "/api/fortune/live/events"


async def test_a_stream_says_at_once_who_is_served(make_pod: MakePod) -> None:
    pod = await make_pod()
    await pod.chat("before")
    async with asyncio.timeout(DEADLINE), pod.live.get(EVENTS, headers=identity()) as response:
        assert response.status == 200
        assert response.headers["Content-Type"] == "text/event-stream"
        assert await anext(events_of(response)) == (
            "hello",
            {
                "user": "alice",
                "session_id": "alice_fortune-game_1700000000",
                "game": "fortune-game",
                "pod": "pod-1",
                "messages": 1,
            },
        )


async def test_each_new_message_is_told_to_every_stream_in_order(make_pod: MakePod) -> None:
    pod = await make_pod()
    async with (
        asyncio.timeout(DEADLINE),
        pod.live.get(EVENTS, headers=identity()) as one,
        pod.live.get(EVENTS, headers=identity()) as other,
    ):
        streams = [events_of(one), events_of(other)]
        for stream in streams:
            assert (await anext(stream))[0] == "hello"
        replies = [(await pod.chat(message))["reply"] for message in ("one", "two", "line\nbreak")]
        for stream in streams:
            told = [data async for data in take(stream, "message", 3)]
            assert [data["number"] for data in told] == [1, 2, 3]
            assert [data["message"] for data in told] == ["one", "two", "line\nbreak"]
            assert [data["reply"] for data in told] == replies


async def test_a_quiet_stream_ticks(make_pod: MakePod) -> None:
    pod = await make_pod()
    async with asyncio.timeout(DEADLINE), pod.live.get(EVENTS, headers=identity()) as response:
        ticks = [data async for data in take(events_of(response), "tick", 2)]
    assert ticks == [{"messages": 0}] * 2


async def test_a_stream_ends_when_the_pod_does(make_pod: MakePod) -> None:
    pod = await make_pod()
    async with asyncio.timeout(DEADLINE), pod.live.get(EVENTS, headers=identity()) as response:
        stream = events_of(response)
        assert (await anext(stream))[0] == "hello"
        pod.life.conversation.end()
        assert [name async for name, _ in stream if name != "tick"] == []


async def test_a_stream_for_another_user_is_misdirected(make_pod: MakePod) -> None:
    """The two services share one memory: who spoke on one port is known on the other."""
    pod = await make_pod()
    await pod.chat("hello")
    response = await pod.live.get(EVENTS, headers=identity("bob"))
    assert response.status == 421
    assert (await response.json())["error"]["code"] == "misdirected"


async def test_head_and_the_agents_paths_are_not_served_here(make_pod: MakePod) -> None:
    pod = await make_pod()
    assert (await pod.live.head(EVENTS, headers=identity())).status == 405
    assert (await pod.live.get("/api/fortune/whoami", headers=identity())).status == 404
    assert (await pod.live.get("/on-close")).status == 404


async def take(
    stream: AsyncIterator[tuple[str, Any]], event: str, count: int
) -> AsyncIterator[Any]:
    """The data of the next `count` events of a name."""
    async for name, data in stream:
        if name == event:
            yield data
            count -= 1
        if not count:
            return
