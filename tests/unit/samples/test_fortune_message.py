"""Which bodies hold a message."""

from __future__ import annotations

import pytest
from fortune_game.message import LONGEST, BadMessage, message_in


def test_the_message_is_taken_as_it_is() -> None:
    assert message_in(' {"message": " shall I? \u00e9", "other": 1}'.encode()) == " shall I? \u00e9"


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        (b"", "body: must be JSON"),
        (b"{", "body: must be JSON"),
        (b"\xff\xfe\xfd", "body: must be JSON"),
        (b"[" * 60000, "body: must be JSON"),
        (b'["message"]', "body: must be a JSON object"),
        (b"{}", "message: missing"),
        (b'{"message": null}', "message: missing"),
        (b'{"message": 7}', "message: must be a string"),
        (b'{"message": "  \\n"}', "message: must not be blank"),
        (b'{"message": "\\ud83d"}', "message: must be valid Unicode"),
        (b'{"message": "' + b"a" * (LONGEST + 1) + b'"}', "message: must have at most"),
    ],
)
def test_anything_else_is_refused_with_the_name_of_the_field(body: bytes, problem: str) -> None:
    with pytest.raises(BadMessage, match=f"^{problem}"):
        message_in(body)
