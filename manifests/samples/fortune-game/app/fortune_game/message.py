"""The body of a chat request."""

from __future__ import annotations

import json

LONGEST = 4000
"""Characters of a message."""


class BadMessage(ValueError):
    """The body holds no message that can be used; the text names the field."""


def message_in(body: bytes) -> str:
    """The `message` of a JSON object.

    Raises:
        BadMessage: the body is not such an object, or its message is missing, blank, longer than
            `LONGEST` or not Unicode.
    """
    try:
        document = json.loads(body)
    # RecursionError: brackets within brackets, thousands deep.
    except (ValueError, RecursionError):
        raise BadMessage("body: must be JSON") from None
    if not isinstance(document, dict):
        raise BadMessage("body: must be a JSON object")
    message = document.get("message")
    if message is None:
        raise BadMessage("message: missing")
    if not isinstance(message, str):
        raise BadMessage("message: must be a string")
    if problem := _problem(message):
        raise BadMessage(f"message: {problem}")
    return message


def _problem(message: str) -> str | None:
    if not message.strip():
        return "must not be blank"
    if len(message) > LONGEST:
        return f"must have at most {LONGEST} characters"
    # JSON can escape half of a surrogate pair, which neither Redis nor a client can be sent.
    if any("\ud800" <= character <= "\udfff" for character in message):
        return "must be valid Unicode"
    return None
