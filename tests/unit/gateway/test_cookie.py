"""What pods may tell a browser about cookies: everything but the one that holds the token."""

from __future__ import annotations

import pytest
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
