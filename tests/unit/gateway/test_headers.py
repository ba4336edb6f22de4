"""Which headers pass, in either direction."""

from __future__ import annotations

import pytest
from multidict import CIMultiDict

from gamesession.gateway.headers import to_client, to_pod


def passed(name: str, *, connection: str = "", authorization: bool = False) -> bool:
    """Whether a header of that name reaches the pod."""
    return name in to_pod([(name, "value")], connection, authorization=authorization)


@pytest.mark.parametrize(
    "name",
    [
        "Connection",
        "Keep-Alive",
        "Proxy-Authenticate",
        "Proxy-Authorization",
        "Proxy-Connection",
        "TE",
        "Trailer",
        "Transfer-Encoding",
        "Upgrade",
        "Expect",
        "Forwarded",
        "Authorization",
        "X-Request-Id",
        "X_Request_Id",
        "Content_Length",
        "X-Game-User",
        "x-game-user",
        "X_Game_User",
        "x_game_session",
        "X-Game_Pod",
        "X-Game-Whatever-Comes",
        "X-Forwarded-For",
        "X_Forwarded_For",
        "X-Forwarded-User",
        "X-ForwardedFor",
    ],
)
def test_a_client_cannot_say_what_is_the_gateways_to_say(name: str) -> None:
    assert not passed(name)


@pytest.mark.parametrize(
    "name", ["Accept", "Cookie", "Content-Type", "Content-Encoding", "X-Gamer", "X-Custom", "Range"]
)
def test_other_headers_pass(name: str) -> None:
    assert passed(name)


def test_authorization_passes_where_the_game_wants_it() -> None:
    assert passed("Authorization", authorization=True)


@pytest.mark.parametrize("connection", ["X-Custom", "close, x-custom", "keep-alive ,X-CUSTOM"])
def test_what_connection_names_does_not_pass(connection: str) -> None:
    assert not passed("X-Custom", connection=connection)


def test_repeated_headers_stay_repeated_and_in_order() -> None:
    found = to_pod([("Via", "1"), ("X-A", "2"), ("via", "3")], "", authorization=False)
    assert found.getall("Via") == ["1", "3"]


def test_several_cookies_go_back_to_the_client() -> None:
    answer = CIMultiDict([("Set-Cookie", "a=1"), ("Set-Cookie", "b=2"), ("Keep-Alive", "5")])
    found = to_client(answer, "")
    assert found.getall("Set-Cookie") == ["a=1", "b=2"]
    assert "Keep-Alive" not in found


def test_a_pod_cannot_say_whose_session_it_is() -> None:
    answer = CIMultiDict({"X-Game-Session": "x", "x-game-start": "y", "X-Request-ID": "z"})
    assert not to_client(answer, "")


@pytest.mark.parametrize(
    "name",
    [
        "Service-Worker-Allowed",
        "Alt-Svc",
        "NEL",
        "Access-Control-Allow-Origin",
        "Access-Control-Allow-Credentials",
        "Access-Control-Allow-Headers",
        "Access-Control-Allow-Methods",
        "Access-Control-Max-Age",
    ],
)
def test_a_pod_does_not_speak_for_the_origin_that_all_games_share(name: str) -> None:
    assert not to_client(CIMultiDict({name: "x", name.lower(): "y"}), "")


def test_what_a_pods_connection_names_does_not_pass() -> None:
    assert not to_client(CIMultiDict({"X-Private": "1"}), "X-Private")


def test_bytes_that_are_no_utf_8_are_not_lost() -> None:
    latin = b"caf\xe9".decode("utf-8", "surrogateescape")
    found = to_client(CIMultiDict({"X-Place": latin}), "")
    assert found["X-Place"] == "café"


def test_long_names_that_begin_alike_are_judged_alike() -> None:
    ours, theirs = "X-Game-" + "a" * 100, "X-Mine-" + "a" * 100
    given = [(ours, "1"), (theirs, "2"), (theirs + "b", "3")]
    assert list(to_pod(given, "", authorization=False).items()) == given[1:]
    named = to_pod(given, theirs.lower(), authorization=False)
    assert list(named.items()) == given[2:]
