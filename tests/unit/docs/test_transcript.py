"""What a guide shows of a terminal, beside what a terminal shows."""

from __future__ import annotations

import pytest

from tests.guides.transcript import Exchange, differences, exchanges


def test_a_transcript_is_commands_and_what_they_print() -> None:
    text = "$ one \\\n> more\nout\n\n$ two\n$ three\nx\n  y\n"

    assert exchanges(text) == [
        Exchange("one \\\nmore", ("out",)),
        Exchange("two", ()),
        Exchange("three", ("x", "  y")),
    ]


def test_a_transcript_begins_with_a_command() -> None:
    with pytest.raises(ValueError, match="begins with"):
        exchanges("out\n")


@pytest.mark.parametrize(
    ("shown", "printed"),
    [
        ("chess-myuywcv357qzzxjb-cc138-1   3s", "chess-myuywcv357qzzxjb-0ff1e-12 1m41s"),
        ("go-warm-lzzfrfkp 10.0.0.7:8001", "go-warm-abcdefgh 127.64.0.3:8001"),
        ("at 2026-11-22T10:00:00.123456Z", "at 2027-01-01T00:00:00Z"),
        ("alice_chess_1795334400", "alice_chess_1795334499"),
        ('"exp":1795379531}', '"exp":1795381021}'),
        ("a … z", "a whole lot z"),
        ("first\n…\nlast", "first\n1\n2\nlast"),
        ("first\n…", "first"),
        ("gateway-6b7f9c5d4-x2x9k   1/1", "gateway-5c5d4c5d4b-aaaaa 1/1"),
    ],
)
def test_what_differs_from_run_to_run_may_differ(shown: str, printed: str) -> None:
    assert differences(tuple(shown.splitlines()), printed) is None


@pytest.mark.parametrize(
    ("shown", "printed"),
    [
        ("HTTP/1.1 401 Unauthorized", "HTTP/1.1 429 Too Many Requests"),
        ("Pending   QuotaExceeded", "Pending   AwaitingCapacity"),
        ("one", "one\ntwo"),
        ("one\ntwo", "one"),
        ("", "something"),
        ("a … z", "a lot"),
        ("…\nlast", "first"),
        ("3 sessions", "4 sessions"),
        ("alice-warm", "bob-warm"),
    ],
)
def test_what_matters_must_be_the_same(shown: str, printed: str) -> None:
    assert "printed:" in (differences(tuple(shown.splitlines()), printed) or "")
