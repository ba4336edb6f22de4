"""The account of a run: what users were answered, which sessions there were, and what was wrong.

It is kept from two sides that know nothing of each other: the users', and a watch of the API
server. Times are this machine's, which all processes of the run share.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final

from gamesession.api.instant import parse_instant
from gamesession.api.names import SessionId
from gamesession.kube.cluster import Object
from tests.integration.follower import Change

LATE: Final = timedelta(seconds=15)
"""How much later than it should a session may end: a slow machine must not turn a test red."""
HANDOVER: Final = timedelta(seconds=15)
REPORTED: Final = 1.2
"""Activity is written a tenth of the timeout late at most, jittered, and counts from when it was
seen: a session ends no later than after so many timeouts."""


@dataclass
class Life:
    """One GameSession, from its creation to its end.

    Attributes:
        id: as users are told.
        gone: when the watch told of its end.
        used: when the last request that it answered was sent, or its last stream was open.
        left: when the last of these was over.
        open: its streams.
    """

    uid: str
    name: str
    user: str
    id: str
    gone: datetime | None = None
    used: datetime | None = None
    left: datetime | None = None
    open: int = 0


@dataclass
class Upheaval:
    """Something that keeps sessions from being started or ended, and when."""

    what: str
    began: datetime
    ended: datetime | None = None

    def end(self) -> None:
        """It is over."""
        self.ended = datetime.now(UTC)


@dataclass
class Account:
    """What happened.

    Args:
        timeout: the idle timeout of all sessions.

    Attributes:
        answers: how many, by what they were: `200`, or a code, and to whom.
        wrong: what no user should ever see, in words.
        waits: seconds that answers took, by how the session was had.
    """

    timeout: timedelta
    answers: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    waits: dict[str, list[float]] = field(default_factory=dict)
    lives: dict[str, Life] = field(default_factory=dict)
    upheavals: list[Upheaval] = field(default_factory=list)
    failed: set[str] = field(default_factory=set)
    _by_id: dict[str, Life] = field(default_factory=dict)

    # The watch's side ---------------------------------------------------------------------------

    def see(self, change: Change) -> None:
        """What the watch tells of a session."""
        life = self._life(change.object)
        if change.object.get("status", {}).get("phase") == "Failed":
            self.failed.add(life.uid)
        if change.kind == "DELETED" and life.gone is None:
            life.gone = change.at
            if life.open:
                self.complain(life.user, f"{life.id} ended while a stream was open")

    def _life(self, found: Object) -> Life:
        uid = found["metadata"]["uid"]
        if uid not in self.lives:
            spec, created = found["spec"], parse_instant(found["metadata"]["creationTimestamp"])
            id_ = str(SessionId.of(spec["user"], spec["game"], created))
            self.lives[uid] = Life(uid, found["metadata"]["name"], spec["user"], id_)
            self._by_id[id_] = self._merged(self.lives[uid])
        return self.lives[uid]

    def _merged(self, life: Life) -> Life:
        """With what users told before the watch did."""
        if (before := self._by_id.get(life.id)) is not None:
            life.used, life.left, life.open = before.used, before.left, before.open
        return life

    # The users' side ----------------------------------------------------------------------------

    def complain(self, user: str, what: str) -> None:
        """Something was wrong."""
        self.wrong.append(f"{datetime.now(UTC):%T.%f} {user}: {what}")

    def used(self, id_: str, began: datetime, *, opened: int = 0) -> None:
        """A session served.

        Args:
            began: when what it served was sent.
            opened: how many streams more it has now.
        """
        life = self._by_id.setdefault(id_, Life("", "", "", id_))
        life.used = max(began, life.used or began)
        life.left = datetime.now(UTC)
        life.open += opened

    def began(self, what: str) -> Upheaval:
        """An upheaval begins."""
        upheaval = Upheaval(what, datetime.now(UTC))
        self.upheavals.append(upheaval)
        return upheaval

    # The sum ------------------------------------------------------------------------------------

    def early(self) -> list[str]:
        """Sessions that ended though somebody had used them within the timeout."""
        return [
            f"{life.id} was used at {life.used:%T.%f} and gone at {life.gone:%T.%f}"
            for life in self.lives.values()
            if life.gone and life.used and life.gone - life.used < self.timeout
        ]

    def late(self) -> list[str]:
        """Sessions that stayed longer than those who lead have to let them."""
        return [
            f"{life.id} was left at {life.left:%T.%f}, gone at {life.gone:%T.%f}"
            for life in self.lives.values()
            if life.gone and life.left and life.gone > self._latest(life.left) + LATE
        ]

    def _latest(self, left: datetime) -> datetime:
        """When a session should have ended. After an upheaval someone has to lead first, and lets
        gateways write what they kept."""
        found = left + REPORTED * self.timeout
        for each in self.upheavals:
            if each.began <= found + LATE:  # it came before a slow machine had ended the session
                found = max(found, (each.ended or datetime.now(UTC)) + HANDOVER + self.timeout)
        return found

    def lost(self, constant: Iterable[str]) -> list[str]:
        """Users who never stopped playing and had more than one session, or none."""
        had = Counter(life.user for life in self.lives.values())
        return [f"{user} had {had[user]} sessions" for user in constant if had[user] != 1]

    def leaked(self) -> list[str]:
        """Sessions that still are there."""
        return [life.id for life in self.lives.values() if life.gone is None]
