"""Points in time as the objects write them: RFC 3339, UTC."""

from __future__ import annotations

from datetime import UTC, datetime


def parse_instant(text: str) -> datetime:
    """Read an RFC 3339 time as an aware UTC datetime.

    Raises:
        ValueError: `text` is no RFC 3339 time, or names no offset.
    """
    instant = datetime.fromisoformat(text)
    if instant.tzinfo is None:
        raise ValueError(f"time {text!r} has no offset")
    return instant.astimezone(UTC)


def format_instant(instant: datetime) -> str:
    """Write a time to the microsecond (`metav1.MicroTime`)."""
    return instant.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
