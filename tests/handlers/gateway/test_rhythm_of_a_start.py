"""How often activity is written changes while a session starts, and when its timeout does."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

from aiohttp import web

from gamesession.api.names import session_name
from gamesession.kube.cluster import Object
from tests.eventually import eventually
from tests.handlers.gateway.pods import HttpPod
from tests.handlers.gateway.stage import Stage

NAME = session_name("quick", "alice")
SOON = 10.0
"""Seconds; less than the interval of a Pending session, which the writes must not keep."""


async def test_a_first_request_that_goes_on_is_written_as_soon_as_the_session_is_ready(
    stage: Stage,
) -> None:
    """It began while the session was Pending, which is written every 20 s: too late for a session
    that ends after five."""
    await stage.add_game("quick", session={"idleTimeout": "5s"})
    release = asyncio.Event()

    async def dawdle(_: web.BaseRequest) -> web.StreamResponse:
        await release.wait()
        return web.Response()

    stage.pod_for = lambda session: HttpPod(dawdle)
    first = asyncio.create_task(status_of(stage, "/api/quick/long"))
    ready = await stage.until_ready(game="quick")
    await eventually(written(stage, ready, seconds=1), deadline=SOON)
    release.set()
    assert await first == 200


async def test_a_request_right_after_the_start_is_written(stage: Stage) -> None:
    """Though another one, of the start, has been planned for later."""
    await stage.add_game("quick", session={"idleTimeout": "5s"})
    assert await status_of(stage, "/api/quick/first") == 200
    await stage.until_ready(game="quick")
    used = datetime.now(UTC)
    assert await status_of(stage, "/api/quick/second") == 200

    async def noted() -> bool:
        return stage.last_activity(NAME) >= used

    await eventually(noted, deadline=SOON)


async def test_a_shorter_timeout_of_the_game_counts_at_once(stage: Stage) -> None:
    """For requests that are open, too."""
    game = await stage.add_game("quick", session={"idleTimeout": "30m"})
    release = asyncio.Event()

    async def dawdle(_: web.BaseRequest) -> web.StreamResponse:
        await release.wait()
        return web.Response()

    session = await stage.add_session(game="quick", name=NAME, pod=HttpPod(dawdle))
    first = asyncio.create_task(status_of(stage, "/api/quick/long"))
    pod = stage.pods[f"{NAME}-0"]
    assert isinstance(pod, HttpPod)

    async def arrived() -> bool:
        return bool(pod.requests)

    await eventually(arrived)

    def shorten(found: Object) -> None:
        found["spec"]["session"] = {"idleTimeout": "5s"}

    stage.api.change("games", game["metadata"]["name"], shorten)
    await eventually(written(stage, session, seconds=1), deadline=SOON)
    release.set()
    assert await first == 200


async def status_of(stage: Stage, path: str) -> int:
    """The status of an answer."""
    async with stage.get(path) as answer:
        await answer.read()
        return int(answer.status)


def written(stage: Stage, session: Object, *, seconds: float) -> Callable[[], Awaitable[bool]]:
    """Whether activity has been written that is so much later than what stood there."""
    name = session["metadata"]["name"]
    before = stage.last_activity(name)

    async def check() -> bool:
        return stage.last_activity(name) >= before + timedelta(seconds=seconds)

    return check
