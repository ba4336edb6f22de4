"""Many requests and many users at once."""

from __future__ import annotations

import asyncio

import pytest

from gamesession.api.labels import GAME_LABEL
from tests.e2e.arcade import Arcade

pytestmark = pytest.mark.e2e


async def test_a_hundred_first_requests_of_one_user_make_one_session_and_one_pod(
    arcade: Arcade,
) -> None:
    """And that pod answers all of them."""
    game = await arcade.open()
    user = arcade.user("alice", game)
    answers = await asyncio.gather(*(user.get(f"/{number}") for number in range(100)))
    assert [answer.status for answer in answers] == [200] * 100
    targets = sorted(int(answer.json["target"].rpartition("/")[2]) for answer in answers)
    assert targets == list(range(100))
    assert len({answer.pod for answer in answers}) == 1
    assert len({answer.session_id for answer in answers}) == 1
    assert made(arcade, "gamesessions", game) == {arcade.session_of(user)}
    assert len(made(arcade, "pods", game)) == 1


async def test_fifty_users_at_once_get_fifty_pods(arcade: Arcade) -> None:
    """None is shared, and none is made in vain."""
    game = await arcade.open()
    users = arcade.users(50, game)
    first = await asyncio.gather(*(user.get_patiently() for user in users))
    again = await asyncio.gather(*(user.get() for user in users))
    assert [answer.pod for answer in again] == [answer.pod for answer in first]
    assert len({answer.pod for answer in first}) == 50
    assert [answer.json["users"] for answer in again] == [[user.name] for user in users]
    assert made(arcade, "gamesessions", game) == {arcade.session_of(user) for user in users}
    assert len(made(arcade, "pods", game)) == 50


def made(arcade: Arcade, plural: str, game: str) -> set[str]:
    """The names of all objects that there ever were of a Game."""
    return {
        change.object["metadata"]["name"]
        for change in arcade.ground.history[plural]
        if change.object["metadata"].get("labels", {}).get(GAME_LABEL) == game
    }
