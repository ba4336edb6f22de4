"""One session as a line of a list."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from gamesession.commands.table import printable, short
from gamesession.plan.activity import active_at
from gamesession.plan.deadline import Deadline, deadline_of
from gamesession.plan.game import Game
from gamesession.plan.session import PENDING, Session

DELETING = "Deleting"
NONE = "-"


@dataclass(frozen=True, slots=True)
class Line:
    """A session at a moment.

    Args:
        game: its Game, `None` if that is gone.
        now: the time of day, UTC.
    """

    session: Session
    game: Game | None
    now: datetime

    @property
    def phase(self) -> str:
        """Its phase, for people: also that it is on its way out."""
        return DELETING if self.session.deleting else self.session.phase or PENDING

    @property
    def deadline(self) -> Deadline | None:
        """When it ends if nobody uses it any more, and why."""
        counted = active_at(self.session.last_activity, None, self.now)
        return deadline_of(replace(self.session, active_at=counted), self.game)

    @property
    def ends_in(self) -> str:
        """How long until then."""
        return short(self.deadline.at - self.now) if self.deadline else NONE

    @property
    def ends_by(self) -> str:
        """Why then."""
        return self.deadline.reason.value if self.deadline else NONE

    @property
    def last_activity(self) -> str:
        """How long ago that was."""
        return _ago(self.session.last_activity, self.now)

    @property
    def age(self) -> str:
        """How long ago it was created."""
        return _ago(self.session.created_at, self.now)


def lines_of(sessions: Iterable[Session], games: Iterable[Game], now: datetime) -> list[Line]:
    """Sessions beside their Games."""
    known = {(game.namespace, game.name): game for game in games}
    return [Line(each, known.get((each.namespace, each.game)), now) for each in sessions]


def by_name(lines: Iterable[Line]) -> list[Line]:
    """In the order of namespace, game and user."""
    return sorted(
        lines, key=lambda line: (line.session.namespace, line.session.game, line.session.user)
    )


def by_end(lines: Iterable[Line]) -> list[Line]:
    """What ends next first; what nothing ends last."""

    def key(line: Line) -> tuple[bool, timedelta, str]:
        end = line.deadline
        return end is None, end.at - line.now if end else timedelta(), line.session.name

    return sorted(lines, key=key)


def rows(lines: Sequence[Line], *, wide: bool, namespaces: bool) -> list[list[str]]:
    """Heading and cells of a list.

    Args:
        namespaces: whether to say which namespace a session is in.
    """
    heading = ["NAME", "USER", "GAME", "PHASE", "START", "IDLE", "ENDS IN", "AGE"]
    heading = ["NAMESPACE"] * namespaces + heading + ["ENDS BY", "POD", "IP", "REASON"] * wide
    return [heading, *(_cells(line, wide=wide, namespaces=namespaces) for line in lines)]


def _cells(line: Line, *, wide: bool, namespaces: bool) -> list[str]:
    session = line.session
    cells = [session.namespace] * namespaces + [
        session.name,
        session.user,
        session.game,
        line.phase,
        session.start_kind,
        line.last_activity,
        line.ends_in,
        line.age,
    ]
    if wide:
        reason = str(session.condition.get("reason", ""))
        cells += [line.ends_by, session.pod_name, session.pod_ip, reason]
    return [printable(cell) or NONE for cell in cells]


def _ago(instant: datetime | None, now: datetime) -> str:
    return short(now - instant) if instant else NONE
