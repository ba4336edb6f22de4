"""A pod is told whom it serves before its user's first request, and may refuse."""

from __future__ import annotations

from typing import Any

import aiohttp
import pytest

from tests.e2e.arcade import Arcade
from tests.e2e.user import User

pytestmark = pytest.mark.e2e

ON_CLAIM = {"onClaim": {"service": "mischief", "path": "/claim"}}
IDENTITY = ("X-Game-User", "X-Game-Session", "X-Game-Id", "X-Game-Pod")


async def test_nobody_talks_to_a_pod_before_it_was_told_whom_it_serves(arcade: Arcade) -> None:
    """A cold start: the request waits until the pod has taken its user, once, with the identity
    that all requests bear."""
    game = await arcade.open(hooks=ON_CLAIM)
    user = arcade.user("J\u00f6rg/alice", game)
    answer = await user.get_patiently("/first")
    assert (answer.status, answer.start) == (200, "cold")
    told = answer.json
    assert told["heard"] == ["POST /claim", f"GET /api/{game}/first"]
    [claim] = told["claims"]
    assert identity(claim["headers"]) == identity(dict(told["headers"]))
    assert claim["headers"]["X-Game-Pod"] == answer.pod
    assert claim["body"] == {
        "session_id": answer.session_id,
        "user_id": user.name,
        "game_id": game,
    }
    session = arcade.ground.sessions[arcade.session_of(user)]
    assert claim["headers"]["Idempotency-Key"] == f"{session['metadata']['uid']}/{answer.pod}"
    again = await user.get("/second")
    assert (again.start, again.json["claims"]) == ("reused", [claim])


async def test_a_pod_that_refuses_its_user_is_deleted_and_the_next_one_serves(
    arcade: Arcade,
) -> None:
    """One that waited in the pool refuses; the user's request waits on and is served."""
    game = await arcade.open(hooks=ON_CLAIM, warmPool={"size": 1})
    waiting = await waiting_pod(arcade, game)
    name, uid = waiting["metadata"]["name"], waiting["metadata"]["uid"]
    await refuse_claims(waiting)
    user = arcade.user("alice", game)
    answer = await user.get_patiently("/first")
    assert answer.pod != uid
    assert answer.json["users"] == ["alice"]
    assert answer.json["heard"] == ["POST /claim", f"GET /api/{game}/first"]
    [(refuser, failures, words)] = refusals(arcade, user)
    assert (refuser, failures) == (name, 1)
    said = f"Pod {name} refused its claim (spec.hooks.onClaim). HTTP status 503: "
    assert words.startswith(said)
    assert "refused 3 times" in words
    status = await arcade.ground.until_phase(arcade.session_of(user), "Ready")
    assert (status["podUID"], status["failures"]) == (answer.pod, 0)
    await arcade.ground.until(lambda: name not in arcade.ground.pods)


def identity(headers: dict[str, Any]) -> dict[str, Any]:
    """What of a request's headers tells the pod whom it serves."""
    return {name: headers[name] for name in IDENTITY}


async def waiting_pod(arcade: Arcade, game: str) -> dict[str, Any]:
    """The pod of the pool, once it is ready."""

    def ready() -> dict[str, Any] | None:
        for pod in arcade.ground.pods.values():
            labels = pod["metadata"]["labels"]
            conditions = pod["status"].get("conditions", [])
            if (labels.get("gamelibrary.io/game"), labels.get("gamelibrary.io/role")) == (
                game,
                "warm",
            ) and any(each["type"] == "Ready" and each["status"] == "True" for each in conditions):
                return pod
        return None

    return await arcade.ground.until(ready)


async def refuse_claims(pod: dict[str, Any]) -> None:
    """Tell a pod to refuse whom it gets."""
    url = f"http://{pod['status']['podIP']}:8000/refuse-claims"
    async with aiohttp.ClientSession() as client, client.post(url) as answer:
        assert answer.status == 200


def refusals(arcade: Arcade, user: User) -> list[tuple[str, int, str]]:
    """The pods that refused the user, as the session's status told of them: name, failures so
    far, and the words."""
    found: dict[str, tuple[str, int, str]] = {}
    for change in arcade.ground.history["gamesessions"]:
        status = change.object.get("status", {})
        if change.object["metadata"]["name"] != arcade.session_of(user):
            continue
        for condition in status.get("conditions", []):
            if condition["reason"] == "ClaimRefused":
                name = status["podName"]
                found[name] = (name, status["failures"], condition["message"])
    return list(found.values())
