"""Origins: how they are written, and which one is our own."""

from __future__ import annotations

import pytest
from pydantic import TypeAdapter, ValidationError

from gamesession.gateway.origin import Origins, is_own, origin_of

ORIGINS = TypeAdapter(Origins)


def test_origins_are_separated_by_commas() -> None:
    found = ORIGINS.validate_python("https://a.example, http://b.example:8080 ,")
    assert found == {"https://a.example", "http://b.example:8080"}


@pytest.mark.parametrize(
    "origin",
    [
        "https://play.example.com",
        "http://localhost:5173",
        "http://127.0.0.1",
        "http://[::1]:3000",
        "https://xn--bcher-kva.example",
        "capacitor://localhost",
        "chrome-extension://abcdefgh",
        "*",
    ],
)
def test_an_origin_as_browsers_write_it(origin: str) -> None:
    assert ORIGINS.validate_python(origin) == {origin}


@pytest.mark.parametrize(
    "origin",
    [
        "null",
        "play.example.com",
        "https://play.example.com/",
        "https://play.example.com/path",
        "https://Play.example.com",
        "HTTPS://play.example.com",
        "https://*.example.com",
        "https://bücher.example",
        "https://user@play.example.com",
        "https://play.example.com:443",
        "http://play.example.com:80",
        "https://play.example.com:",
        "https://",
        "//play.example.com",
        "https://a.example https://b.example",
        "https://a.example\n",
        "file://",
        "*.example.com",
    ],
)
def test_what_no_browser_would_say_is_refused_by_name(origin: str) -> None:
    with pytest.raises(ValidationError) as refused:
        ORIGINS.validate_python([origin])
    assert repr(origin) in str(refused.value)


@pytest.mark.parametrize(
    ("origin", "host"),
    [
        ("https://play.example.com", "play.example.com"),
        ("https://play.example.com", "Play.Example.com"),
        ("https://play.example.com", "play.example.com:443"),
        ("http://play.example.com", "play.example.com:80"),
        ("https://play.example.com:8443", "play.example.com:8443"),
        ("http://[::1]:8080", "[::1]:8080"),
        ("http://[::1]", "[::1]"),
    ],
)
def test_our_own_origin_is_the_host_that_was_asked(origin: str, host: str) -> None:
    assert is_own(origin, host)


@pytest.mark.parametrize(
    ("origin", "host"),
    [
        ("https://evil.example", "play.example.com"),
        ("https://play.example.com.evil.example", "play.example.com"),
        ("https://evilplay.example.com", "play.example.com"),
        ("https://play.example.com@evil.example", "play.example.com"),
        ("https://evil.example/play.example.com", "play.example.com"),
        ("https://play.example.com:8443", "play.example.com"),
        ("https://play.example.com", "play.example.com:8443"),
        ("https://play.example.com", "play.example.com:80"),
        ("https://play.example.com, https://evil.example", "play.example.com"),
        ("capacitor://localhost", "localhost"),
        ("null", "null"),
        ("", ""),
        ("https://", ""),
        ("https://play.example.com", ""),
    ],
)
def test_any_other_is_not(origin: str, host: str) -> None:
    assert not is_own(origin, host)


@pytest.mark.parametrize(
    ("referer", "origin"),
    [
        ("https://a.example/", "https://a.example"),
        ("https://a.example/path?q=https://b.example/", "https://a.example"),
        ("http://a.example:8080/x", "http://a.example:8080"),
        ("https://a.example", ""),
        ("https://a.example@b.example/", ""),
        ("https://a.example:80x/", ""),
        ("about:blank", ""),
        ("", ""),
    ],
)
def test_a_referer_tells_its_origin(referer: str, origin: str) -> None:
    assert origin_of(referer) == origin
