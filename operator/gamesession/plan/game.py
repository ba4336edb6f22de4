"""What the operator keeps of a Game."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from typing import Any

from gamesession.api.duration import parse_duration
from gamesession.api.instant import parse_instant

DEFAULT_IDLE_TIMEOUT = "30m"
DEFAULT_MAX_IDLE_TIMEOUT = timedelta(hours=2)
DEFAULT_MAX_LIFETIME = "24h"
DEFAULT_START_TIMEOUT = "2m"
DEFAULT_HOOK_TIMEOUT = "10s"


class Acceptance(Enum):
    """Whether the API server takes the Game's pods."""

    TRUE = "True"
    FALSE = "False"
    UNKNOWN = "Unknown"


@dataclass(frozen=True, slots=True)
class Game:
    """A Game as it was last seen.

    Attributes:
        max_lifetime: `None` for a life without end.
        max_sessions: `None` for no limit.
        ports: service name → port, in the order of the spec.
        on_close: how long a pod may take to save its state; `None` without the hook.
        accepted: as its status says for this generation; `UNKNOWN` if it says nothing.
    """

    namespace: str
    name: str
    uid: str
    resource_version: str
    generation: int
    created_at: datetime
    deleting: bool
    route: str
    suspended: bool
    idle_timeout: timedelta
    max_idle_timeout: timedelta
    max_lifetime: timedelta | None
    start_timeout: timedelta
    max_sessions: int | None
    ports: Mapping[str, int]
    on_close: timedelta | None
    accepted: Acceptance
    accepted_message: str

    @classmethod
    def from_object(cls, game: dict[str, Any]) -> Game:
        """Read a Game as the API server has it.

        Raises:
            ValueError, KeyError, TypeError: it says what the CRD does not allow (an object
                stored under an older CRD).
        """
        meta, spec = game["metadata"], game["spec"]
        session = spec.get("session", {})
        idle = parse_duration(session.get("idleTimeout", DEFAULT_IDLE_TIMEOUT))
        bound = session.get("maxIdleTimeout")
        lifetime = parse_duration(session.get("maxLifetime", DEFAULT_MAX_LIFETIME))
        accepted = _accepted(game)
        return cls(
            namespace=meta["namespace"],
            name=meta["name"],
            uid=meta["uid"],
            resource_version=meta["resourceVersion"],
            generation=meta["generation"],
            created_at=parse_instant(meta["creationTimestamp"]),
            deleting="deletionTimestamp" in meta,
            route=spec.get("route", meta["name"]),
            suspended=spec.get("suspend", False),
            idle_timeout=idle,
            max_idle_timeout=(
                parse_duration(bound) if bound else max(DEFAULT_MAX_IDLE_TIMEOUT, idle)
            ),
            max_lifetime=lifetime or None,
            start_timeout=parse_duration(session.get("startTimeout", DEFAULT_START_TIMEOUT)),
            max_sessions=spec.get("limits", {}).get("maxSessions"),
            ports={service["name"]: service["port"] for service in spec["services"]},
            on_close=_on_close(spec),
            accepted=Acceptance(accepted.get("status", "Unknown")),
            accepted_message=accepted.get("message", ""),
        )


def _on_close(spec: dict[str, Any]) -> timedelta | None:
    hook = spec.get("hooks", {}).get("onClose")
    return parse_duration(hook.get("timeout", DEFAULT_HOOK_TIMEOUT)) if hook else None


def _accepted(game: dict[str, Any]) -> dict[str, Any]:
    """The condition Accepted, if it is about this generation."""
    for condition in game.get("status", {}).get("conditions", []):
        current = condition.get("observedGeneration") == game["metadata"]["generation"]
        if condition["type"] == "Accepted" and current:
            found: dict[str, Any] = condition
            return found
    return {}
