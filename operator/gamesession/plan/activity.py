"""What a stamp of activity is worth when clocks disagree (DESIGN 4)."""

from __future__ import annotations

from datetime import datetime


def active_at(
    stamp: datetime | None, previous: tuple[datetime | None, datetime | None] | None, now: datetime
) -> datetime | None:
    """The time an idle timeout counts from.

    A change that we see happen counts from when we saw it, whatever the writer's clock says; a
    stamp that we find counts as it stands, but one in the future counts as now.

    Args:
        stamp: `status.lastActivity` as it stands.
        previous: (stamp, active_at) as last known, `None` for a session that we find.
        now: the time of seeing it.
    """
    if stamp is None:
        return None
    if previous is None:
        return min(stamp, now)
    known_stamp, known_active_at = previous
    return known_active_at if stamp == known_stamp else now
