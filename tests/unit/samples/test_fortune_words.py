"""What the fortune teller says."""

from __future__ import annotations

import pytest
from fortune_game.fortunes import FORTUNES, QUOTED, fortune, greeting, ordinal, reply
from fortune_game.past import Past


@pytest.mark.parametrize(
    ("number", "said"),
    [
        (1, "1st"),
        (2, "2nd"),
        (3, "3rd"),
        (4, "4th"),
        (11, "11th"),
        (12, "12th"),
        (13, "13th"),
        (21, "21st"),
        (102, "102nd"),
        (111, "111th"),
        (1013, "1013th"),
    ],
)
def test_ordinals(number: int, said: str) -> None:
    assert ordinal(number) == said


def test_the_same_question_gets_the_same_fortune_and_others_get_others() -> None:
    told = [fortune("alice", "will it rain?", number) for number in range(200)]
    assert told == [fortune("alice", "will it rain?", number) for number in range(200)]
    assert set(told) == set(FORTUNES)


@pytest.mark.parametrize(
    ("past", "words"),
    [
        (None, "Welcome, alice: the past is out of reach"),
        (Past(), "Welcome, alice: this is your first conversation."),
        (Past(2, 9, "bye"), "Welcome back, alice: this is your 3rd conversation. Last time you "),
        (Past(1, 0, None), "Welcome back, alice: this is your 2nd conversation."),
    ],
)
def test_the_greeting_tells_a_new_user_a_returning_one_and_an_unknown_past_apart(
    past: Past | None, words: str
) -> None:
    assert greeting("alice", past).startswith(words)


def test_a_greeting_quotes_no_more_than_the_beginning_of_a_long_message() -> None:
    assert "a" * (QUOTED + 1) not in greeting("alice", Past(1, 1, "a" * 4000))


def test_only_the_first_reply_greets_and_each_names_the_user_and_the_number() -> None:
    first, second = (reply("alice", "hm", number, Past(1, 1, "bye")) for number in (1, 2))
    assert "Welcome back, alice" in first and "Message 1 " in first
    assert "Welcome" not in second and "alice" in second and "Message 2 " in second
