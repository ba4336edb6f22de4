"""Durations as the objects write them: `90s`, `1h30m`, `500ms`."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Final

PATTERN: Final = r"^([0-9]+(ms|s|m|h))+$"
MAX_LENGTH: Final = 20
"""Longest text of a duration; bounds what the API server's CEL rules may cost."""

BOUNDED_PATTERN: Final = r"^([0-9]{1,12}ms|[0-9]{1,9}s|[0-9]{1,7}m|[0-9]{1,6}h)+$"
"""What of `PATTERN` adds up to less than 292 years, the most that Go, and with it the API server's
`duration()`, can hold; the API server refuses what does not match."""

TOO_LONG: Final = "is too long: at most 12 digits before ms, 9 before s, 7 before m, 6 before h"

_UNITS: Final = {
    "ms": timedelta(milliseconds=1),
    "s": timedelta(seconds=1),
    "m": timedelta(minutes=1),
    "h": timedelta(hours=1),
}
_PART: Final = re.compile(r"([0-9]+)(ms|s|m|h)")


def parse_duration(text: str) -> timedelta:
    """Read a duration.

    Raises:
        ValueError: `text` does not match `PATTERN`, or is longer than the API server accepts.
    """
    if not re.fullmatch(PATTERN, text, re.ASCII) or len(text) > MAX_LENGTH:
        raise ValueError(f"{text!r} is not a duration such as 90s, 30m or 1h30m")
    if not re.fullmatch(BOUNDED_PATTERN, text, re.ASCII):
        raise ValueError(f"{text!r} {TOO_LONG}")
    return sum((int(number) * _UNITS[unit] for number, unit in _PART.findall(text)), timedelta())


def format_duration(value: timedelta) -> str:
    """Write a duration in the largest units that hold it exactly; parts of a millisecond are lost.

    >>> format_duration(timedelta(seconds=5400))
    '1h30m'

    Raises:
        ValueError: it is negative.
    """
    if value < timedelta():
        raise ValueError(f"a duration cannot be negative: {value}")
    rest, parts = value, []
    for unit in ("h", "m", "s", "ms"):
        number, rest = divmod(rest, _UNITS[unit])
        if number:
            parts.append(f"{number}{unit}")
    return "".join(parts) or "0s"
