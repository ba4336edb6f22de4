"""Points in time as the objects write them: RFC 3339, UTC."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Final

PATTERN: Final = (
    r"^[12][0-9]{3}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}"
    r"([.][0-9]{1,9})?(Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9])$"
)
"""The API server's `date-time` alone lets through what its own CEL rules and Python cannot read: a
lower-case `t`, an offset of 99 hours, the edges of the calendar. With one such time in an object,
every later write of it would be refused."""

MAX_LENGTH: Final = 35


def parse_instant(text: str) -> datetime:
    """Read an RFC 3339 time as an aware UTC datetime.

    Raises:
        ValueError: `text` is no RFC 3339 time, names no offset, or lies outside the
            years 1000 to 2999.
    """
    if not re.fullmatch(PATTERN, text):
        raise ValueError(f"{text!r} is not a time such as 2026-01-31T12:00:00.000000Z")
    return datetime.fromisoformat(text).astimezone(UTC)


def format_instant(instant: datetime) -> str:
    """Write a time to the microsecond (`metav1.MicroTime`)."""
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
