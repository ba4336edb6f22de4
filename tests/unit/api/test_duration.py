"""Durations: `^([0-9]+(ms|s|m|h))+$`."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gamesession.api.duration import (
    BOUNDED_PATTERN,
    MAX_LENGTH,
    PATTERN,
    format_duration,
    parse_duration,
)

GO_MAXIMUM = timedelta(microseconds=(2**63 - 1) // 1000)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0s", timedelta()),
        ("90s", timedelta(seconds=90)),
        ("1h30m", timedelta(minutes=90)),
        ("500ms", timedelta(milliseconds=500)),
        ("1m1m", timedelta(minutes=2)),
        ("5m2h", timedelta(hours=2, minutes=5)),
        ("24h", timedelta(days=1)),
        ("007s", timedelta(seconds=7)),
    ],
)
def test_reads(text: str, expected: timedelta) -> None:
    assert parse_duration(text) == expected


@pytest.mark.parametrize(
    "text",
    ["", "soon", "5", "s", "-5s", "+5s", "1.5h", "5 s", " 5s", "5s\n", "5S", "1d", "٥s", "5µs"],
)
def test_refuses_what_is_no_duration(text: str) -> None:
    with pytest.raises(ValueError, match="is not a duration such as"):
        parse_duration(text)


@pytest.mark.parametrize("text", ["1000000h", "10000000m", "1000000000s", "1000000000000ms"])
def test_refuses_what_go_could_not_hold(text: str) -> None:
    assert re.fullmatch(PATTERN, text)
    with pytest.raises(ValueError, match="is too long"):
        parse_duration(text)


def test_refuses_more_text_than_the_api_server_takes() -> None:
    parse_duration("1s" * (MAX_LENGTH // 2))
    with pytest.raises(ValueError, match="is not a duration"):
        parse_duration("1s" * (MAX_LENGTH // 2) + "1s")


@given(st.from_regex(BOUNDED_PATTERN, fullmatch=True, alphabet="0123456789msh"))
def test_whatever_is_read_fits_into_a_duration_of_go(text: str) -> None:
    if len(text) <= MAX_LENGTH:
        assert parse_duration(text) <= GO_MAXIMUM


@given(st.integers(0, 999_999 * 3_600_000).map(lambda number: timedelta(milliseconds=number)))
def test_what_is_written_reads_the_same_again(value: timedelta) -> None:
    assert parse_duration(format_duration(value)) == value


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (timedelta(), "0s"),
        (timedelta(seconds=5400), "1h30m"),
        (timedelta(days=1), "24h"),
        (timedelta(milliseconds=1500), "1s500ms"),
        (timedelta(microseconds=1999), "1ms"),
    ],
)
def test_writes_the_largest_units(value: timedelta, expected: str) -> None:
    assert format_duration(value) == expected


def test_writes_no_negative_duration() -> None:
    with pytest.raises(ValueError, match="cannot be negative"):
        format_duration(timedelta(seconds=-1))
