"""JSON as the API server sends it: a Game's template may be nested as deep as somebody likes.

Python gives up at about a thousand levels, and with them on everything else in the same list. What
lies deeper than any PodTemplateSpec does is left out, so that one object is unusable and no more.
"""

from __future__ import annotations

import json
import re
from typing import Any, Final

MAX_DEPTH: Final = 200
"""Levels that are kept; the API server itself takes 10,000."""

# Strings are matched whole: brackets in them are none.
_TOKEN: Final = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"|[\[\]{}]')


def decode(text: str | bytes) -> Any:
    """What the text says; null stands for what is nested too deep for Python.

    Raises:
        ValueError: it is no JSON.
    """
    try:
        return json.loads(text)
    except RecursionError:
        return json.loads(shallow(text.decode() if isinstance(text, bytes) else text))


def shallow(text: str, depth: int = MAX_DEPTH) -> str:
    """The text with null for each object and list that lies deeper than `depth` levels."""
    kept: list[str] = []
    level = begin = 0
    for token in _TOKEN.finditer(text):
        if token[0] in "{[":
            level += 1
            if level == depth + 1:
                kept += text[begin : token.start()], "null"
        elif token[0] in "}]":
            if level == depth + 1:
                begin = token.end()
            level -= 1
    return "".join([*kept, text[begin:]])
