"""What pods may tell a browser about cookies: everything but the one that holds the token."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from multidict import CIMultiDict
from pydantic import TypeAdapter, ValidationError

from gamesession.gateway.cookie import AuthCookie, CookieName


def left(*lines: str, name: str = "auth", header: str = "Set-Cookie") -> list[str]:
    """What is left of these headers of a pod."""
    headers = CIMultiDict([(header, line) for line in lines])
    AuthCookie(name).guard(headers)
    return list(headers.getall(header, ()))


@pytest.mark.parametrize(
    "line",
    [
        "auth=evil",
        "auth=",
        "auth",
        "auth=; Max-Age=0",
        "auth=evil; Path=/; Domain=example.com; HttpOnly",
        " auth = evil",
        "\tauth\t=\tevil",
        '"auth"=evil',
        '"auth" = evil',
        # Browsers store a cookie without a name, and send it as `auth=evil`.
        "=auth=evil",
        "= auth=evil",
        "==auth=evil",
        '="auth"=evil',
        # One cookie to browsers, two to some other clients.
        "a=1, auth=evil",
        "a=1 auth=evil",
        "a=1,auth =evil",
        'a=1, "auth"=evil',
    ],
)
def test_the_auth_cookie_is_not_a_pods_to_set(line: str) -> None:
    assert left(line) == []
    assert left("a=1", line, "b=2") == ["a=1", "b=2"]


@pytest.mark.parametrize(
    "line",
    [
        "a=1",
        "a=auth",
        "a=auth=1",
        "auth2=1",
        "xauth=1",
        "Auth=1",
        "__Host-auth=1",
        "__Secure-auth=1",
        "a=1; auth=1",
        "a=1; Path=/auth=1",
        "a=my auth",
        "",
    ],
)
def test_other_cookies_are(line: str) -> None:
    assert left(line) == [line]


# Bits that parsers of cookies have stumbled over.
LINES = st.lists(
    st.sampled_from(
        ["auth", "Auth", "a", "=", ";", ",", " ", "\t", '"', "__Host-", "\xa0", "\x0b", "%61", "x"]
    ),
    max_size=12,
).map("".join)


def stored(line: str) -> str | None:
    """What a browser sends back after that `Set-Cookie` (RFC 6265bis, 5.6 and 5.8.3)."""
    pair = line.partition(";")[0]
    if any(ord(each) < 0x20 and each != "\t" for each in line):
        return None
    name, equals, value = pair.partition("=")
    if not equals:
        name, value = "", name
    name, value = name.strip(" \t"), value.strip(" \t")
    if not name and not value:
        return None
    return f"{name}={value}" if name else value


@given(st.lists(LINES, max_size=3))
@example(["=auth=evil"])
@example(['"auth"=evil'])
def test_whatever_a_pod_sets_no_browser_takes_for_the_token(lines: list[str]) -> None:
    sent = "; ".join(filter(None, (stored(line) for line in left(*lines))))
    assert AuthCookie("auth").token_in([sent]) is None


@given(LINES)
def test_nothing_of_the_token_is_left_for_the_pod_and_all_the_rest_is(line: str) -> None:
    cookie = AuthCookie("auth")
    rest = cookie.without(line)
    assert cookie.token_in([rest]) is None
    pairs = [each.strip(" \t") for each in line.split(";")]
    others = [each for each in pairs if each.partition("=")[0].strip(" \t") != "auth"]
    kept = [each.strip(" \t") for each in rest.split(";")]
    assert [each for each in kept if each] == [each for each in others if each]


def test_a_prefix_is_part_of_the_name() -> None:
    assert left("__Host-auth=1", "auth=2", name="__Host-auth") == ["auth=2"]


def test_a_name_is_no_pattern() -> None:
    assert left("aXb=1", "a.b=2", name="a.b") == ["aXb=1"]


@pytest.mark.parametrize("value", ['"cookies"', '"cache", "cookies"', '"*"', '"Cookies"'])
def test_nor_can_a_pod_clear_it(value: str) -> None:
    assert left(value, header="Clear-Site-Data") == []
    assert left('"cache"', value, header="Clear-Site-Data") == []


def test_a_pod_may_clear_what_is_not_a_cookie() -> None:
    assert left('"cache", "storage"', header="Clear-Site-Data") == ['"cache", "storage"']


@pytest.mark.parametrize("name", ["auth", "__Host-auth", "a.b", "A_1"])
def test_a_name_of_a_cookie(name: str) -> None:
    assert TypeAdapter(CookieName).validate_python(name) == name


@pytest.mark.parametrize("name", ["", "a b", "a=b", "a;b", '"a"', "ä", "a\n", "x" * 129])
def test_no_name_of_a_cookie(name: str) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(CookieName).validate_python(name)
