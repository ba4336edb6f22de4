"""Pods that wait for their users, through the gateway and with real containers."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from gamesession.kube.resources import SESSIONS
from tests.e2e.arcade import Arcade
from tests.integration.pool import Pool, name_of, uid_of

pytestmark = pytest.mark.e2e

OF_ONE_POD = {"HOSTNAME", "GAMESESSION_POD_UID"}
"""What differs between two pods of a Game, by the environment of their containers."""


async def pooled(arcade: Arcade, size: int, **spec: Any) -> tuple[str, Pool]:
    """A Game whose pool is full, as the operator knows."""
    game = await arcade.open(warmPool={"size": size}, **spec)
    pool = Pool(arcade.ground, game)
    await pool.until_known(size)
    return game, pool


async def test_users_get_pods_that_waited_for_them(arcade: Arcade) -> None:
    """One each; another comes in its place; the next request meets the same."""
    game, pool = await pooled(arcade, 2)
    waited = pool.uids
    alice, bob = arcade.user("alice", game), arcade.user("bob", game)
    first, second = await alice.get(), await bob.get()
    assert (first.start, second.start) == ("warm", "warm")
    assert {first.pod, second.pod} == waited
    assert (await alice.get()).start == "reused"
    assert [answer.json["users"] for answer in (await alice.get(), await bob.get())] == [
        ["alice"],
        ["bob"],
    ]
    await pool.until_full(2)
    assert not waited & pool.uids
    status = arcade.ground.status(arcade.session_of(alice))
    assert (status["startKind"], status["podUID"]) == ("Warm", first.pod)


async def test_a_pod_that_waited_is_what_a_cold_one_is(arcade: Arcade) -> None:
    """By its environment, in which there is no user, and by its spec."""
    game, pool = await pooled(arcade, 1)
    alice, bob = arcade.user("alice", game), arcade.user("bob", game)
    warm = await alice.get("/inside")
    await pool.until_full(1)
    await arcade.ground.change_game(game, warmPool={"size": 0})
    await pool.until_full(0)
    cold = await bob.get("/inside")
    assert (warm.start, cold.start) == ("warm", "cold")
    inside = [answer.json["environment"] for answer in (warm, cold)]
    for user, found in zip((alice, bob), inside, strict=True):
        status = arcade.ground.status(arcade.session_of(user))
        assert found["GAMESESSION_POD_UID"] == status["podUID"]
        assert found["GAMESESSION_GAME"] == game
        assert user.name not in str(found)
    same = [
        {name: value for name, value in found.items() if name not in OF_ONE_POD} for found in inside
    ]
    assert same[0] == same[1]
    specs = [spec_of(arcade, found["GAMESESSION_POD_UID"]) for found in inside]
    assert specs[0] == specs[1]


def spec_of(arcade: Arcade, uid: str) -> dict[str, Any]:
    """A pod's spec, as far as it was asked for."""
    spec = dict(arcade.pod_of(uid)["spec"])
    spec.pop("nodeName", None)
    return spec


async def test_a_pod_goes_with_its_session_and_is_given_to_nobody_else(arcade: Arcade) -> None:
    """The same user, back after an idle end, meets another one."""
    game, pool = await pooled(arcade, 1, session={"idleTimeout": "5s"})
    user = arcade.user("alice", game)
    name = arcade.session_of(user)
    first = await user.get()
    used = name_of(arcade.pod_of(first.pod))
    await arcade.ground.until_gone(name)
    await arcade.ground.until(lambda: used not in arcade.ground.pods)
    await pool.until_known(1)
    assert first.pod not in pool.uids
    (event,) = await arcade.ground.events_of(name, "IdleTimeout")
    assert event["note"] == "No activity for 5s."
    again = await user.get()
    assert again.start == "warm"
    assert again.pod != first.pod
    assert again.json["users"] == ["alice"], "nobody was there before"
    assert again.session_id != first.session_id


async def test_a_session_that_is_closed_gives_no_pod_back(arcade: Arcade) -> None:
    game, pool = await pooled(arcade, 1)
    user, other = arcade.user("alice", game), arcade.user("bob", game)
    first = await user.get()
    assert (await user.post("/session/close")).json["closed"]
    await arcade.ground.until(lambda: arcade.session_of(user) not in arcade.ground.sessions)
    assert arcade.ground.deleted_at(SESSIONS, arcade.session_of(user))
    await pool.until_known(1)
    assert first.pod not in pool.uids
    second = await other.get()
    assert (second.start, second.json["users"]) == ("warm", ["bob"])
    assert second.pod != first.pod


async def test_more_users_than_pods_wait_are_all_served(arcade: Arcade) -> None:
    """Some cold, each by a pod of their own."""
    game, pool = await pooled(arcade, 2)
    users = arcade.users(5, game)
    answers = await asyncio.gather(*(user.get_patiently() for user in users))
    assert len({answer.pod for answer in answers}) == 5
    kinds = [arcade.ground.status(arcade.session_of(user))["startKind"] for user in users]
    assert kinds.count("Warm") >= 2
    await pool.until_full(2)
    assert len({uid_of(pod) for pod in pool.living}) == 7
