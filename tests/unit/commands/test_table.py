"""Plain text for people and pipes."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gamesession.commands.table import printable, short, table


def test_columns_are_as_wide_as_their_widest_cell() -> None:
    assert table([["NAME", "AGE"], ["a", "1s"], ["longer", "2s"]]) == (
        "NAME     AGE\na        1s\nlonger   2s\n"
    )


def test_wide_characters_take_two_columns() -> None:
    assert table([["USER", "GAME"], ["张三", "go"], ["alice", "go"]]).splitlines()[1:] == [
        "张三    go",
        "alice   go",
    ]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("alice", "alice"),
        ("é 张三 🎲", "é 张三 🎲"),
        ("\x1b[31mred\x1b[0m", "\\x1b[31mred\\x1b[0m"),
        ("two\nlines", "two\\nlines"),
        ("a\u202eb", "a\\u202eb"),
        ("\x9b31m", "\\x9b31m"),
    ],
)
def test_what_steers_a_terminal_is_written_out(text: str, shown: str) -> None:
    assert printable(text) == shown


def test_lines_are_kept_where_they_are_wanted() -> None:
    assert printable("two\nlines\r", keep_lines=True) == "two\nlines\\r"


@given(st.text())
def test_nothing_unprintable_is_left(text: str) -> None:
    assert printable(text).isprintable()


@pytest.mark.parametrize(
    ("span", "told"),
    [
        (timedelta(seconds=-3), "0s"),
        (timedelta(milliseconds=900), "0s"),
        (timedelta(seconds=59), "59s"),
        (timedelta(seconds=60), "1m00s"),
        (timedelta(minutes=29, seconds=41), "29m41s"),
        (timedelta(hours=1, minutes=2, seconds=59), "1h02m"),
        (timedelta(hours=23, minutes=59), "23h59m"),
        (timedelta(days=3, hours=4, minutes=5), "3d4h"),
    ],
)
def test_a_span_is_told_in_its_two_largest_units(span: timedelta, told: str) -> None:
    assert short(span) == told
