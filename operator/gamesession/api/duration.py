"""Durations as the objects write them: `90s`, `1h30m`, `500ms`."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Final

PATTERN: Final = r"^([0-9]+(ms|s|m|h))+$"
MAX_LENGTH: Final = 20
"""Longest text of a duration; bounds what the API server's CEL rules may cost."""

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
        ValueError: `text` does not match `PATTERN`, or is longer than a timedelta can hold.
    """
    if not re.fullmatch(PATTERN, text, re.ASCII) or len(text) > MAX_LENGTH:
        raise ValueError(f"{text!r} is not a duration such as 90s, 30m or 1h30m")
    try:
        return sum(
            (int(number) * _UNITS[unit] for number, unit in _PART.findall(text)), timedelta()
        )
    except OverflowError as error:
        raise ValueError(f"{text!r} is too long a duration") from error


def format_duration(value: timedelta) -> str:
    """Write a duration in the largest units that hold it exactly, to the millisecond.

    >>> format_duration(timedelta(seconds=5400))
    '1h30m'
    """
    rest, parts = value, []
    for unit in ("h", "m", "s", "ms"):
        number, rest = divmod(rest, _UNITS[unit])
        if number:
            parts.append(f"{number}{unit}")
    return "".join(parts) or "0s"
