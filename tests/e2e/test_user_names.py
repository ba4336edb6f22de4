"""Users whatever they are called: each is served as a user of their own, or refused."""

from __future__ import annotations

import asyncio
from urllib.parse import unquote

import pytest

from tests.e2e.arcade import Arcade
from tests.e2e.stack import Stack
from tests.e2e.user import User

pytestmark = pytest.mark.e2e

SERVED = [
    "alice",
    "Alice",
    "ALICE",
    " alice",
    "alice ",
    "alice%20",
    "alice/../bob",
    "../../alice",
    "alice_fortune_1",
    "jos\u00e9",
    "jose\u0301",
    "\u0440\u0430ul",
    "\U0001f3b2",
    "x" * 253,
    "\u4e2d" * 253,
]
REFUSED: list[object] = ["", "x" * 254, "x" * 300, "al\nice", "al\x00ice", "alice\x7f", 42, True]


async def test_similar_names_are_users_of_their_own(arcade: Arcade) -> None:
    """Capitals, spaces, slashes, two forms of one letter: a pod each, which knows them exactly."""
    game = await arcade.open()
    users = [arcade.user(name, game) for name in SERVED]
    answers = await asyncio.gather(*(user.get_patiently() for user in users))
    again = await asyncio.gather(*(user.get() for user in users))
    assert len({answer.pod for answer in answers}) == len(SERVED)
    assert len({answer.session_id for answer in answers}) == len(SERVED)
    for user, first, second in zip(users, answers, again, strict=True):
        assert first.pod == second.pod
        assert second.json["users"] == [user.name]
        headers = dict(second.json["headers"])
        assert unquote(headers["X-Game-User"], errors="strict") == user.name
        assert first.session_id.rpartition("_")[0] == f"{user.name}_{game}"
        assert await spec_user(arcade, arcade.session_of(user)) == user.name


async def spec_user(arcade: Arcade, session: str) -> str:
    """Whose session it is."""
    found = await arcade.ground.until(lambda: arcade.ground.sessions[session])
    return str(found["spec"]["user"])


async def test_no_part_of_a_name_stands_in_names_and_labels(arcade: Arcade) -> None:
    """Of sessions and pods."""
    game = await arcade.open()
    user = arcade.user("Wilhelmina", game)
    assert (await user.get()).status == 200
    name = arcade.session_of(user)
    session = await arcade.ground.until(lambda: arcade.ground.sessions[name])
    pods = await arcade.ground.until(lambda: arcade.ground.pods_of(name) or None)
    for found in (session, *pods):
        metadata = {**found["metadata"], "managedFields": None}
        assert "wilhelmina" not in str(metadata).lower()
    assert "Wilhelmina" not in str([pod["spec"] for pod in pods])


async def test_names_that_no_session_can_have_are_refused(arcade: Arcade, stack: Stack) -> None:
    """With 401, for the token names nobody."""
    game = await arcade.open()
    for name in REFUSED:
        user = User(arcade.gateway, str(name), game, stack.token(name))
        answer = await user.get()
        assert (answer.status, answer.code) == (401, "unauthorized"), name
    assert not [each for each in arcade.ground.sessions.values() if each["spec"]["game"] == game]
