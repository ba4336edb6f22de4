"""Which URLs requests may be sent to: the same scheme, host and port, and at or below the path."""

from __future__ import annotations

import pytest

from gamesession.gateway.allowed import BaseUrl, base_urls


@pytest.mark.parametrize(
    ("allowed", "url"),
    [
        ("https://a.example", "https://a.example"),
        ("https://a.example", "https://a.example/"),
        ("https://a.example/", "https://a.example"),
        ("https://a.example", "https://a.example/lobby"),
        ("https://a.example", "https://A.Example:443/lobby/"),
        ("https://a.example:443", "https://a.example"),
        ("http://a.example:80", "http://a.example"),
        ("https://a.example/lobby", "https://a.example/lobby"),
        ("https://a.example/lobby/", "https://a.example/lobby"),
        ("https://a.example/lobby", "https://a.example/lobby/small"),
        ("https://a.example/%6cobby", "https://a.example/lobby"),
        ("http://[::1]:8080", "http://[0:0:0:0:0:0:0:1]:8080/x"),
    ],
)
def test_it_covers(allowed: str, url: str) -> None:
    assert BaseUrl.parse(allowed).covers(BaseUrl.parse(url))


@pytest.mark.parametrize(
    ("allowed", "url"),
    [
        ("https://a.example", "http://a.example"),
        ("https://a.example", "https://a.example:444"),
        ("https://a.example", "https://b.a.example"),
        ("https://a.example", "https://a.example.evil.test"),
        ("https://a.example", "https://a.example."),
        ("https://a.example/lobby", "https://a.example"),
        ("https://a.example/lobby", "https://a.example/lobbyist"),
        ("https://a.example/lobby", "https://a.example/Lobby"),
        ("https://a.example/lobby", "https://a.example/x/lobby"),
        ("https://a.example/lobby/", "https://a.example/lobbyist"),
    ],
)
def test_it_does_not_cover(allowed: str, url: str) -> None:
    assert not BaseUrl.parse(allowed).covers(BaseUrl.parse(url))


@pytest.mark.parametrize(
    "url",
    [
        "",
        "a.example",
        "//a.example",
        "/lobby",
        "ftp://a.example",
        "https://",
        "https://:443",
        "https://a.example:port",
        "https://a.example:0",
        "https://a.example:99999",
        "https://user@a.example",
        "https://user:word@a.example",
        "https://a.example@evil.test",
        "https://a.example?to=x",
        "https://a.example#x",
        "https://a.example/lobby/../admin",
        "https://a.example/lobby/%2e%2e/admin",
        "https://a.example/lobby/..;x/admin",
        "https://a.example/lobby%2fadmin",
        "https://a.example\\@evil.test",
        "https://a.example/lobby\\..\\admin",
        "https://a.example/%",
    ],
)
def test_what_two_parsers_may_read_differently_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        BaseUrl.parse(url)


def test_it_goes_out_as_it_was_compared() -> None:
    assert str(BaseUrl.parse("HTTPS://A.Example/lobby/")) == "https://a.example:443/lobby"
    assert str(BaseUrl.parse("http://[::1]:8080/")) == "http://[::1]:8080"


def test_several_are_separated_by_commas() -> None:
    found = base_urls(" https://a.example/x , http://b.example:81,")
    assert found == (
        BaseUrl("https", "a.example", 443, "/x"),
        BaseUrl("http", "b.example", 81, ""),
    )


def test_one_that_is_none_is_named() -> None:
    with pytest.raises(ValueError, match=r"b\.example is no base URL: it must begin"):
        base_urls("https://a.example,b.example")
