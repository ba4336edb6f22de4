"""What a pod is told about a request, and what it cannot be told by others than the gateway."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from urllib.parse import urlsplit

import pytest

from tests.e2e.arcade import Arcade
from tests.e2e.stack import Stack
from tests.e2e.user import User

pytestmark = pytest.mark.e2e

FORGED = {
    "X-Game-User": "bob",
    "x-game-session": "bob_chess_1",
    "X_Game_User": "bob",
    "X-Game_User": "bob",
    "x_game_pod": "another",
    "X-Game-Admin": "yes",
    "X-Forwarded-For": "192.0.2.1",
    "X-Forwarded-User": "bob",
    "X_Forwarded_Host": "evil.example",
    "X-Forwarded": "for=192.0.2.1",
    "Forwarded": "for=192.0.2.1",
    "Connection": "x-secret",
    "X-Secret": "between client and gateway",
    "Proxy-Authorization": "Basic Ym9i",
    "TE": "trailers",
}


@pytest.fixture
async def alice(arcade: Arcade) -> AsyncIterator[User]:
    """Someone whose name is not ASCII, with a pod that runs."""
    user = arcade.user("alice \u00e9/", await arcade.open())
    assert (await user.get()).status == 200
    yield user


async def test_forged_headers_do_not_reach_a_pod(arcade: Arcade, stack: Stack, alice: User) -> None:
    """Only the gateway says who asks, for which session, and where from."""
    answer = await alice.get("/", headers=FORGED)
    seen = [(name.lower().replace("_", "-"), value) for name, value in answer.json["headers"]]
    ours = {name: value for name, value in seen if name.startswith(("x-game-", "x-forwarded"))}
    assert [name for name, _ in seen if name in ours] == [*ours]
    assert ours.pop("x-forwarded-for") != "192.0.2.1"
    assert ours == {
        "x-game-user": "alice%20%C3%A9%2F",
        "x-game-session": answer.headers["X-Game-Session"],
        "x-game-id": alice.game,
        "x-game-pod": answer.pod,
        "x-forwarded-proto": "http",
        "x-forwarded-host": urlsplit(stack.url).netloc,
    }
    names = {name for name, _ in seen}
    assert not names & {"forwarded", "x-secret", "proxy-authorization", "te", "authorization"}
    assert arcade.ground.status(arcade.session_of(alice))["podUID"] == answer.pod


async def test_paths_and_queries_go_on_as_they_came(alice: User) -> None:
    """What two servers might read differently does not."""
    for path in ("/a%20b/%C3%A9?q=a+b&q=%2F", "/a//b/;c=d", "/session-like/status", "/%7Eme"):
        answer = await alice.get(path)
        assert answer.json["target"] == f"/api/{alice.game}{path}"
    for path in ("/../x", "/a/./b", "/a%2Fb", "/a%5Cb", "/%2e%2e/x", "/a\\b", "/%00", "/a%zz"):
        answer = await alice.get(path)
        assert (answer.status, answer.code) == (400, "bad_path"), path


async def test_the_client_is_told_which_session_answered_and_how(alice: User) -> None:
    """And by which id the request is found again, its own if it brought one."""
    answer = await alice.get()
    assert answer.start == "reused"
    assert re.fullmatch(rf"alice \u00e9/_{alice.game}_\d+", answer.session_id)
    assert re.fullmatch("[0-9a-f]{32}", answer.headers["X-Request-Id"])
    answer = await alice.get("/", headers={"X-Request-Id": "mine-1"})
    assert answer.headers["X-Request-Id"] == "mine-1"
    assert dict(answer.json["headers"])["X-Request-Id"] == "mine-1"


async def test_a_game_may_ask_for_less_of_the_path_and_more_of_the_headers(
    arcade: Arcade, stack: Stack
) -> None:
    """`stripPrefix` and `forwardAuthorization`."""
    game = await arcade.open(stripPrefix=True, forwardAuthorization=True)
    user = User(arcade.gateway, "alice", game, token := stack.token("alice"))
    answer = await user.get("/some/where?x=1")
    headers = dict(answer.json["headers"])
    assert answer.json["target"] == "/some/where?x=1"
    assert headers["X-Forwarded-Prefix"] == f"/api/{game}"
    assert headers["Authorization"] == f"Bearer {token}"
