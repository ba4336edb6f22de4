"""A Game that goes while requests wait for one of its sessions."""

from __future__ import annotations

import asyncio

from gamesession.api.names import session_name
from tests.eventually import eventually
from tests.handlers.gateway.stage import Stage


async def test_who_waits_for_a_session_of_a_game_that_goes_is_told_so(stage: Stage) -> None:
    """Instead of a new session for a Game that is not there, again and again."""
    stage.pod_for = lambda session: None

    async def ask() -> tuple[int, str]:
        async with stage.get("/api/chess/") as answer:
            return answer.status, (await answer.json())["error"]["code"]

    asking = asyncio.create_task(ask())
    name = session_name("chess", "alice")

    async def made() -> bool:
        return name in stage.api.objects["gamesessions"]

    await eventually(made)
    stage.api.remove("games", "chess")

    async def noticed() -> bool:
        return stage.service.directory.games.get("chess") is None

    await eventually(noticed)
    stage.api.remove("gamesessions", name)
    assert await asking == (404, "game_not_found")
    assert stage.api.count("create", "gamesessions") == 1
