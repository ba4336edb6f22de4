"""Where a request carries its token, which one counts, and that nothing of it is left."""

from __future__ import annotations

from urllib.parse import parse_qsl

import pytest
from aiohttp import HttpVersion11
from aiohttp.http_parser import RawRequestMessage
from hypothesis import given
from hypothesis import strategies as st
from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from gamesession.gateway.cookie import AuthCookie
from gamesession.gateway.credentials import take, without_token

COOKIE = AuthCookie("auth")
STREAM = ("Accept", "text/event-stream")


def message(
    *headers: tuple[str, str], path: str = "/p", upgrade: bool = False
) -> RawRequestMessage:
    found = CIMultiDictProxy(CIMultiDict(headers))
    raw = tuple((name.encode(), value.encode()) for name, value in headers)
    url = URL(path, encoded=True)
    return RawRequestMessage("GET", path, HttpVersion11, found, raw, False, "", upgrade, False, url)


def token_of(*headers: tuple[str, str], path: str = "/p", upgrade: bool = False) -> str | None:
    _, credential = take(message(*headers, path=path, upgrade=upgrade), COOKIE)
    return credential.token if credential else None


# Authorization ------------------------------------------------------------------------------------


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
def test_the_scheme_has_no_case(scheme: str) -> None:
    assert token_of(("Authorization", f"{scheme} a.b.c")) == "a.b.c"


@pytest.mark.parametrize("authorization", ["", "Basic YTpi", "Bearer a.b.c"[6:], "BearerToken x"])
def test_another_scheme_is_no_token(authorization: str) -> None:
    assert token_of(("Authorization", authorization)) is None
    assert token_of(("Authorization", authorization), ("Cookie", "auth=c")) == "c"


def test_without_anything_there_is_no_token() -> None:
    same, credential = take(message(), COOKIE)
    assert credential is None
    assert same.headers == {}


def test_a_token_is_in_no_text_of_what_holds_it() -> None:
    _, credential = take(message(("Authorization", "Bearer a.b.c")), None)
    assert "a.b.c" not in repr(credential)


# One counts ---------------------------------------------------------------------------------------


def test_authorization_counts_before_the_cookie_and_the_cookie_before_the_query() -> None:
    authorization, cookie = ("Authorization", "Bearer a"), ("Cookie", "auth=c")
    path = "/p?access_token=q"
    assert token_of(authorization, cookie, STREAM, path=path) == "a"
    assert token_of(cookie, STREAM, path=path) == "c"
    assert token_of(STREAM, path=path) == "q"


@pytest.mark.parametrize("authorization", ["Bearer", "Bearer ", "Bearer nonsense"])
def test_a_bad_first_one_is_not_made_good_by_the_second(authorization: str) -> None:
    found = token_of(("Authorization", authorization), ("Cookie", "auth=good"))
    assert found == authorization.removeprefix("Bearer").strip()


def test_only_a_cookie_is_what_a_browser_sends_by_itself() -> None:
    for headers, by_cookie in (
        ([("Cookie", "auth=c")], True),
        ([("Cookie", "auth=c"), ("Authorization", "Bearer a")], False),
        ([("Cookie", "auth=c"), ("Authorization", "Basic YTpi")], True),
        ([STREAM], False),
    ):
        _, credential = take(message(*headers, path="/p?access_token=q"), COOKIE)
        assert credential is not None
        assert credential.by_cookie is by_cookie


def test_the_first_of_several_counts() -> None:
    assert token_of(("Cookie", "auth=1; auth=2"), ("Cookie", "auth=3")) == "1"
    assert token_of(STREAM, path="/p?access_token=1&access_token=2") == "1"
    assert token_of(("Authorization", "Bearer 1"), ("Authorization", "Bearer 2")) == "1"


# The cookie ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "token"),
    [
        ("auth=t", "t"),
        ("a=1; auth=t; b=2", "t"),
        ("a=1;auth=t", "t"),
        (" auth = t ", "t"),
        ('auth="t"', "t"),
        ("auth=t=u==", "t=u=="),
        ("auth=; auth=t", "t"),
        ("auth=", None),
        ("auth", None),
        ("Auth=t", None),
        ("auth2=t", None),
        ("xauth=t", None),
        ("__Host-auth=t", None),
        ("__Secure-auth=t", None),
        ('"auth"=t', None),
        ("=auth=t", None),
        ("a=auth=t", None),
        ("a=1, auth=t", None),
        ("\xa0auth=t", None),
        ("", None),
    ],
)
def test_the_cookie_is_the_one_of_that_name(line: str, token: str | None) -> None:
    assert token_of(("Cookie", line)) == token


def test_a_prefix_counts_if_it_was_configured() -> None:
    cookie = AuthCookie("__Host-auth")
    assert cookie.token_in(["auth=1; __Host-auth=2"]) == "2"
    assert cookie.token_in(["auth=1; __host-auth=2"]) is None


@pytest.mark.parametrize(
    ("line", "left"),
    [
        ("auth=t", None),
        ("a=1; auth=t; b=2", "a=1; b=2"),
        ("auth=t; a=1", "a=1"),
        ("a=1; auth=t", "a=1"),
        ("a=1;  b=2;c = 3 ;auth=t", "a=1;  b=2;c = 3 "),
        ("auth=t; auth=u; a=1; auth = v", "a=1"),
        ("auth; a=1", "a=1"),
        ("a=1; Auth=2; auth2=3", "a=1; Auth=2; auth2=3"),
        ("z=1; a=2; z=3", "z=1; a=2; z=3"),
        ('a="x=y"; b', 'a="x=y"; b'),
    ],
)
def test_the_pod_gets_the_other_cookies_in_their_order(line: str, left: str | None) -> None:
    taken, _ = take(message(("X-A", "1"), ("Cookie", line), ("X-B", "2")), COOKIE)
    expected = [("X-A", "1"), *([("Cookie", left.strip())] if left else []), ("X-B", "2")]
    assert [(name, value.strip()) for name, value in taken.headers.items()] == expected
    assert [(n.decode(), v.decode().strip()) for n, v in taken.raw_headers] == expected


def test_the_cookie_is_taken_off_even_where_another_token_counts() -> None:
    taken, _ = take(message(("Authorization", "Bearer a"), ("Cookie", "auth=t")), COOKIE)
    assert "Cookie" not in taken.headers


def test_without_a_configured_name_cookies_are_the_games() -> None:
    taken, credential = take(message(("Cookie", "auth=t")), None)
    assert credential is None
    assert taken.headers["Cookie"] == "auth=t"


# The query ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("target", "left", "token"),
    [
        ("/p?access_token=t", "/p", "t"),
        ("/p?a=%20+%2F&access_token=t&b=&c", "/p?a=%20+%2F&b=&c", "t"),
        ("/p?access_token=t&a=1", "/p?a=1", "t"),
        ("/p?a=1&access_token=t", "/p?a=1", "t"),
        ("/p?&&access_token=t&", "/p?&&", "t"),
        ("/p?access_token=t&access_token=u&a=1", "/p?a=1", "t"),
        ("/p?access%5Ftoken=t&a=1", "/p?a=1", "t"),
        ("/p?%61ccess_token=t", "/p", "t"),
        ("/p?access_token=a%2Eb", "/p", "a.b"),
        ("/p?access_token=", "/p", ""),
        ("/p?access_token", "/p", ""),
        ("/p?a=1?access_token=t", "/p?a=1?access_token=t", None),
        ("/p?Access_Token=t", "/p?Access_Token=t", None),
        ("/p?access_tokens=t&xaccess_token=u", "/p?access_tokens=t&xaccess_token=u", None),
        ("/p?a=access_token=t", "/p?a=access_token=t", None),
        ("/p?", "/p?", None),
        ("/p", "/p", None),
    ],
)
def test_the_query_keeps_the_rest_to_the_byte(target: str, left: str, token: str | None) -> None:
    assert without_token(target) == (left, token)


@given(
    st.lists(
        st.sampled_from(
            ["access_token", "access%5ftoken", "%61ccess_token", "=", "&", "?", "a", "%", "+", ";"]
        ),
        max_size=10,
    ).map("".join)
)
def test_no_reader_of_queries_finds_it_afterwards(query: str) -> None:
    left, token = without_token(f"/p?{query}")
    found = [name for name, _ in parse_qsl(left.partition("?")[2], keep_blank_values=True)]
    assert "access_token" not in found
    if token is None:
        assert left == f"/p?{query}"


@pytest.mark.parametrize(
    ("headers", "upgrade"),
    [
        ([("Accept", "text/event-stream")], False),
        ([("Accept", "application/json, Text/Event-Stream;q=0.9")], False),
        ([("Accept", "*/*"), ("Accept", "text/event-stream")], False),
        ([("Upgrade", "websocket"), ("Connection", "Upgrade")], True),
    ],
)
def test_websockets_and_event_streams_may_say_it_in_the_query(
    headers: list[tuple[str, str]], upgrade: bool
) -> None:
    taken, credential = take(
        message(*headers, path="/p?access_token=t&a=%2f", upgrade=upgrade), COOKIE
    )
    assert credential is not None
    assert (credential.token, credential.by_cookie) == ("t", False)
    assert taken.path == "/p?a=%2f"
    assert str(taken.url) == "/p?a=%2f"


@pytest.mark.parametrize(
    "headers",
    [
        [],
        [("Accept", "*/*")],
        [("Accept", "text/html")],
        [("Accept", "text/event-streams")],
        # Read as a plain request: an upgrade that its Connection does not ask for.
        [("Upgrade", "websocket")],
    ],
)
def test_other_requests_may_not_and_keep_it_as_any_parameter(
    headers: list[tuple[str, str]],
) -> None:
    taken, credential = take(message(*headers, path="/p?access_token=t"), COOKIE)
    assert credential is None
    assert taken.path == "/p?access_token=t"


def test_it_is_taken_off_a_stream_even_where_another_token_counts() -> None:
    taken, credential = take(
        message(("Authorization", "Bearer a"), STREAM, path="/p?access_token=t"), None
    )
    assert credential is not None
    assert (taken.path, credential.token) == ("/p", "a")
