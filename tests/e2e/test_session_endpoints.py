"""`status`, `open` and `close`, word by word."""

from __future__ import annotations

import asyncio

import pytest

from gamesession.api.instant import parse_instant
from tests.e2e.arcade import Arcade
from tests.e2e.gateway import Gateway
from tests.e2e.user import User
from tests.eventually import eventually
from tests.integration.condition import seconds_between

pytestmark = pytest.mark.e2e

NOTHING: dict[str, object] = {
    "success": True,
    "has_session": False,
    "session_id": None,
    "phase": None,
    "created_at": None,
    "last_activity": None,
    "expires_at": None,
    "services": [],
    "user_id": None,
}


async def test_the_life_of_a_session_as_the_endpoints_tell_it(arcade: Arcade) -> None:
    """Nothing, open, Ready, used, closed, nothing."""
    game = await arcade.open(session={"idleTimeout": "1m"})
    user = arcade.user("alice", game)
    name = arcade.session_of(user)
    assert (await user.get("/session/status")).json == NOTHING
    assert name not in arcade.ground.sessions

    opened = await user.post("/session/open")
    assert opened.status == 202
    session = await arcade.ground.until(lambda: arcade.ground.sessions[name])
    created = session["metadata"]["creationTimestamp"]
    seconds = int(parse_instant(created).timestamp())
    assert opened.json["session_id"] == f"alice_{game}_{seconds}"
    assert opened.json["phase"] in ("Pending", "Starting")
    assert set(opened.json) == set(NOTHING)

    status = await arcade.ground.until_phase(name, "Ready")
    opened = await user.post("/session/open")
    assert (opened.status, opened.json["phase"]) == (200, "Ready")
    told = (await user.get("/session/status")).json
    assert parse_instant(told.pop("created_at")) == parse_instant(created)
    assert told["last_activity"] >= status["lastActivity"]
    assert seconds_between(told.pop("last_activity"), told.pop("expires_at")) == 60
    assert told == {
        "success": True,
        "has_session": True,
        "session_id": f"alice_{game}_{seconds}",
        "phase": "Ready",
        "services": ["mischief"],
        "user_id": "alice",
    }

    assert (await user.post("/session/close")).json == {"success": True, "closed": True}
    assert (await user.get("/session/status")).json == NOTHING


async def test_endpoints_take_one_method_each(arcade: Arcade) -> None:
    """And none of them is passed on to a pod."""
    user = arcade.user("alice", await arcade.open())
    for method, endpoint in (("POST", "status"), ("GET", "open"), ("GET", "close")):
        answer = await user.send(method, f"/session/{endpoint}")
        assert (answer.status, answer.code) == (405, "method_not_allowed")
        assert answer.headers["Allow"] == {"POST": "GET", "GET": "POST"}[method]
    for path in ("/session", "/session/", "/session/nonsense", "/session/status/more"):
        answer = await user.get(path)
        assert (answer.status, answer.code) == (404, "not_found")
    assert arcade.session_of(user) not in arcade.ground.sessions


async def test_replicas_read_each_others_writes(arcade: Arcade, hasty: Gateway) -> None:
    """A user who is sent to two gateways has one session, which either of them closes."""
    game = await arcade.open()
    here, there = arcade.user("alice", game), arcade.user("alice", game, hasty)
    answers = await asyncio.gather(
        *(user.get_patiently() for user in (here, there) for _ in range(10))
    )
    assert len({answer.pod for answer in answers}) == 1
    assert len(arcade.ground.made_pods(arcade.session_of(here))) == 1
    for closer, other in ((here, there), (there, here)):
        assert (await closer.post("/session/close")).json["closed"]
        await hears_of_the_end(other)
        opened = (await other.post("/session/open")).json["session_id"]
        assert (await closer.get("/session/status")).json["session_id"] == opened


async def hears_of_the_end(user: User) -> None:
    """A replica that knows a session hears of its end by its watch, a moment later (DESIGN 4); one
    that knows of none asks."""

    async def heard() -> bool:
        return not (await user.get("/session/status")).json["has_session"]

    await eventually(heard)
