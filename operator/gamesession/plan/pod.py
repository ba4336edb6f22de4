"""What the operator keeps of a pod."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

from gamesession.api.instant import parse_instant
from gamesession.api.labels import (
    GAME_LABEL,
    PLAYER_ANNOTATION,
    PORTS_ANNOTATION,
    ROLE_LABEL,
    SESSION_LABEL,
    START_LABEL,
    TEMPLATE_HASH_LABEL,
)
from gamesession.api.names import attempt_of
from gamesession.plan.problem import Problem, problem_of


@dataclass(frozen=True, slots=True)
class Pod:
    """A pod of ours as it was last seen.

    Attributes:
        owner_uid: uid of the object that controls it (a GameSession, or a Game while it waits).
        ports: service name → port, as its Game had them when it was made; empty if it does not say.
        player: derived name of the (game, user) it serves, `""` before it serves anyone.
        ready_changed_at: when its condition Ready last changed.
        deleted_at: its `deletionTimestamp`: the end of its grace period; `None` while it lives.
    """

    namespace: str
    name: str
    uid: str
    resource_version: str
    created_at: datetime
    game: str
    session: str
    role: str
    start: str
    template_hash: str
    ports: Mapping[str, int]
    player: str
    owner_uid: str
    ip: str
    ready: bool
    ready_changed_at: datetime | None
    deleted_at: datetime | None
    problem: Problem | None
    running: frozenset[str]

    @property
    def attempt(self) -> int:
        """Its number among the pods of its session."""
        return attempt_of(self.name)

    @property
    def is_alive(self) -> bool:
        """Whether it is there to stay, as far as anyone has said."""
        return self.deleted_at is None

    @classmethod
    def from_object(cls, pod: dict[str, Any]) -> Pod:
        """Read a pod as the API server has it."""
        meta, status = pod["metadata"], pod.get("status", {})
        labels, annotations = meta.get("labels", {}), meta.get("annotations", {})
        deleted_at = meta.get("deletionTimestamp")
        ready = _ready_condition(status)
        changed_at = ready.get("lastTransitionTime")
        return cls(
            namespace=meta["namespace"],
            name=meta["name"],
            uid=meta["uid"],
            resource_version=meta["resourceVersion"],
            created_at=parse_instant(meta["creationTimestamp"]),
            game=labels.get(GAME_LABEL, ""),
            session=labels.get(SESSION_LABEL, ""),
            role=labels.get(ROLE_LABEL, ""),
            start=labels.get(START_LABEL, ""),
            template_hash=labels.get(TEMPLATE_HASH_LABEL, ""),
            ports=_ports(annotations.get(PORTS_ANNOTATION, "")),
            player=annotations.get(PLAYER_ANNOTATION, ""),
            owner_uid=_controller_uid(meta),
            ip=status.get("podIP", ""),
            ready=ready.get("status") == "True",
            ready_changed_at=parse_instant(changed_at) if changed_at else None,
            deleted_at=parse_instant(deleted_at) if deleted_at else None,
            problem=problem_of(pod),
            running=frozenset(
                container["name"]
                for container in status.get("containerStatuses", [])
                if "running" in container.get("state", {})
            ),
        )


@lru_cache
def _ports(text: str) -> Mapping[str, int]:
    """The pods of a Game share one."""
    pairs = (each.partition("=") for each in text.split(",") if each)
    return {name: int(port) for name, _, port in pairs}


def _ready_condition(status: dict[str, Any]) -> dict[str, Any]:
    for condition in status.get("conditions", []):
        if condition["type"] == "Ready":
            found: dict[str, Any] = condition
            return found
    return {}


def _controller_uid(meta: dict[str, Any]) -> str:
    for owner in meta.get("ownerReferences", []):
        if owner.get("controller"):
            return str(owner["uid"])
    return ""
