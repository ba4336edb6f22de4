"""What the operator keeps of a GameSession."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from gamesession.api.duration import parse_duration
from gamesession.api.instant import parse_instant
from gamesession.api.labels import GAME_LABEL, SESSION_LABEL
from gamesession.api.names import attempt_of, session_name

PENDING = "Pending"
STARTING = "Starting"
READY = "Ready"
FAILED = "Failed"
_A_SECOND = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Session:
    """A GameSession as it was last seen.

    Attributes:
        order: breaks ties between sessions created in the same second: first seen, first served.
        seen_at: when it was first seen, if that was as it came; `None` if it was there before us.
        active_at: the time its idle timeout counts from; `last_activity`, corrected for clocks
            that disagree (`gamesession.plan.activity`); `None` if nothing is known.
        idle_timeout: its own, `None` for its Game's.
        owner_uids: uids of the owner references it bears.
        game_uids: uids of those that are Games: of the Game it was made for.
        condition: its condition Ready, as it stands.
    """

    namespace: str
    name: str
    uid: str
    resource_version: str
    generation: int
    created_at: datetime
    order: int
    seen_at: datetime | None
    deleting: bool
    labelled: bool
    owner_uids: frozenset[str]
    game_uids: frozenset[str]
    user: str
    game: str
    idle_timeout: timedelta | None
    phase: str
    pod_name: str
    pod_uid: str
    pod_ip: str
    services: Mapping[str, str]
    start_kind: str
    last_activity: datetime | None
    active_at: datetime | None
    started_at: datetime | None
    starting_since: datetime | None
    ready_at: datetime | None
    failed_at: datetime | None
    restarts: int
    failures: int
    observed_generation: int
    condition: Mapping[str, Any]

    @property
    def player(self) -> str:
        """The derived name of its (game, user)."""
        return session_name(self.game, self.user)

    @property
    def about(self) -> dict[str, str]:
        """Whose it is, as every log line about it says."""
        return {"user": self.user, "game": self.game, "session": self.name}

    @property
    def has_derived_name(self) -> bool:
        """Whether gateway or SDK gave it its name."""
        return self.name == self.player

    @property
    def came_at(self) -> datetime:
        """When it was created, as well as is known: that is written in whole seconds."""
        if self.seen_at is None or not timedelta() <= self.seen_at - self.created_at < _A_SECOND:
            return self.created_at
        return self.seen_at

    def is_but_for_activity(self, other: Session) -> bool:
        """Whether nothing but somebody's activity tells this version of a session from another."""
        return self == replace(
            other,
            resource_version=self.resource_version,
            last_activity=self.last_activity,
            active_at=self.active_at,
        )

    @property
    def attempts(self) -> int:
        """How many pods the status has named, or the number of the last: of pods that waited for
        a user only their count tells, and of others some were never named."""
        named = self.restarts + 1 if self.started_at else 0
        return max(named, attempt_of(self.pod_name))

    @classmethod
    def from_object(cls, session: dict[str, Any]) -> Session:
        """Read a GameSession as the API server has it; `order`, `seen_at` and
        `active_at` are the store's."""
        meta, spec = session["metadata"], session["spec"]
        status = session.get("status", {})
        labels = meta.get("labels", {})
        owners = meta.get("ownerReferences", [])
        own_timeout = spec.get("idleTimeout")
        last_activity = _instant(status, "lastActivity")
        return cls(
            namespace=meta["namespace"],
            name=meta["name"],
            uid=meta["uid"],
            resource_version=meta["resourceVersion"],
            generation=meta.get("generation", 1),
            created_at=parse_instant(meta["creationTimestamp"]),
            order=0,
            seen_at=None,
            deleting="deletionTimestamp" in meta,
            labelled=(
                labels.get(GAME_LABEL) == spec["game"] and labels.get(SESSION_LABEL) == meta["name"]
            ),
            owner_uids=frozenset(owner["uid"] for owner in owners),
            game_uids=frozenset(owner["uid"] for owner in owners if owner.get("kind") == "Game"),
            user=spec["user"],
            game=spec["game"],
            idle_timeout=parse_duration(own_timeout) if own_timeout else None,
            phase=status.get("phase", ""),
            pod_name=status.get("podName", ""),
            pod_uid=status.get("podUID", ""),
            pod_ip=status.get("podIP", ""),
            services=status.get("services", {}),
            start_kind=status.get("startKind", ""),
            last_activity=last_activity,
            active_at=last_activity,
            started_at=_instant(status, "startedAt"),
            starting_since=_instant(status, "startingSince"),
            ready_at=_instant(status, "readyAt"),
            failed_at=_instant(status, "failedAt"),
            restarts=status.get("restarts", 0),
            failures=status.get("failures", 0),
            observed_generation=status.get("observedGeneration", 0),
            condition=_ready_condition(status),
        )


def _instant(status: dict[str, Any], field: str) -> datetime | None:
    return parse_instant(status[field]) if status.get(field) else None


def _ready_condition(status: dict[str, Any]) -> dict[str, Any]:
    for condition in status.get("conditions", []):
        if condition["type"] == "Ready":
            found: dict[str, Any] = condition
            return found
    return {}
