"""From the first request to the pod's answer, and back to the same pod."""

from __future__ import annotations

import asyncio

from gamesession.api.names import session_name
from tests.handlers.gateway.stage import Stage


async def test_a_first_request_makes_a_session_and_is_answered_by_its_pod(stage: Stage) -> None:
    async with stage.get("/api/chess/hello?x=1") as answer:
        assert answer.status == 200
        assert (await answer.json())["path"] == "/api/chess/hello?x=1"
        assert answer.headers["X-Game-Start"] == "cold"
    assert stage.api.count("create", "gamesessions") == 1


async def test_the_second_request_is_reuse_and_costs_no_write(stage: Stage) -> None:
    async with stage.get("/api/chess/hello") as answer:
        first = await answer.json()
    await stage.until_ready()
    writes = len(stage.api.writes)
    async with stage.get("/api/chess/again") as answer:
        assert answer.headers["X-Game-Start"] == "reused"
        assert (await answer.json())["pod"] == first["pod"]
    assert len(stage.api.writes) == writes


async def test_two_users_get_two_pods(stage: Stage) -> None:
    async with stage.get("/api/chess/", "alice") as one, stage.get("/api/chess/", "bob") as two:
        assert (await one.json())["pod"] != (await two.json())["pod"]


async def test_a_hundred_first_requests_at_once_make_one_session(stage: Stage) -> None:
    async def ask() -> str:
        async with stage.get("/api/chess/") as answer:
            assert answer.status == 200
            return str((await answer.json())["pod"])

    pods = await asyncio.gather(*(ask() for _ in range(100)))
    assert len(set(pods)) == 1
    assert stage.api.count("create", "gamesessions") == 1


async def test_the_session_bears_labels_and_belongs_to_its_game(stage: Stage) -> None:
    async with stage.get("/api/chess/") as answer:
        assert answer.status == 200
    session, game = stage.session(), stage.api.objects["games"]["chess"]
    name = session_name("chess", "alice")
    assert session["metadata"]["name"] == name
    assert session["metadata"]["labels"] == {
        "gamelibrary.io/game": "chess",
        "gamelibrary.io/session": name,
    }
    assert session["metadata"]["ownerReferences"] == [
        {
            "apiVersion": "gamelibrary.io/v1alpha1",
            "kind": "Game",
            "name": "chess",
            "uid": game["metadata"]["uid"],
        }
    ]
