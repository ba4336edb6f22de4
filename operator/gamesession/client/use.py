"""The use of a session: what one process knows of its activity."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

from gamesession.client.stamp import Outcome
from gamesession.plan.activity import active_at
from gamesession.plan.session import Session


class Use:
    """The use of one life of a session.

    Attributes:
        open: requests that are under way.
        at: the time of the last one.
        stamp: the last activity that stands in the status.
        active_at: when that was, by our own clock.
        sent: the stamp that we wrote last, and when that was.
        fresh_until: requests may be passed on before they are written, monotonic seconds.
        was_in_vain: a request has waited long for a write, and no stamp stands since.
    """

    __slots__ = (
        "active_at",
        "at",
        "fresh_until",
        "name",
        "open",
        "sent",
        "stamp",
        "task",
        "timer",
        "uid",
        "was_in_vain",
    )

    def __init__(self, session: Session, at: datetime) -> None:
        self.stamp = session.last_activity
        self.active_at = active_at(self.stamp, None, at)
        self.sent: tuple[datetime, datetime] | None = None
        self.name = session.name
        self.uid = session.uid
        self.at = at
        self.open = 0
        self.fresh_until = 0.0
        self.was_in_vain = False
        self.timer: asyncio.TimerHandle | None = None
        self.task: asyncio.Task[Outcome] | None = None

    def stands(self, stamp: datetime | None, now: datetime) -> None:
        """Another stamp stands: our own, of which we know the time, or one that we see being
        written, which counts from now, whatever the clock of its writer says."""
        if self.sent is not None and self.sent[0] == stamp:
            self.active_at = self.sent[1]
        else:
            self.active_at = active_at(stamp, (self.stamp, self.active_at), now)
        self.stamp = stamp
        self.was_in_vain = False

    def next_stamp(self) -> datetime:
        """What to write: the time of the activity. Where a stamp from a clock that runs ahead
        stands, the next one after it, for stamps only move forward, and the operator counts a stamp
        that it sees arrive from when it saw it."""
        if self.stamp is None or self.at > self.stamp:
            return self.at
        return self.stamp + timedelta(microseconds=1)
