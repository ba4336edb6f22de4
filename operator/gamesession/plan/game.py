"""What the operator keeps of a Game."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from typing import Any, Final

from gamesession.api.game import GameSpec, SessionPolicy
from gamesession.api.instant import parse_instant

DEFAULT_IDLE_TIMEOUT: Final = SessionPolicy().idle_timeout


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
    status: Mapping[str, Any]
    spec: GameSpec

    @classmethod
    def from_object(cls, game: dict[str, Any]) -> Game:
        """Read a Game as the API server has it.

        Raises:
            ValueError: it says what the CRD does not allow (stored under an older CRD).
        """
        meta, spec = game["metadata"], GameSpec.model_validate(game["spec"])
        policy, hook = spec.session, spec.hooks.on_close
        accepted = _accepted(game)
        return cls(
            namespace=meta["namespace"],
            name=meta["name"],
            uid=meta["uid"],
            resource_version=meta["resourceVersion"],
            generation=meta["generation"],
            created_at=parse_instant(meta["creationTimestamp"]),
            deleting="deletionTimestamp" in meta,
            route=spec.route or meta["name"],
            suspended=spec.suspend,
            idle_timeout=policy.idle_timeout,
            max_idle_timeout=policy.longest_idle_timeout,
            max_lifetime=policy.max_lifetime or None,
            start_timeout=policy.start_timeout,
            max_sessions=spec.limits.max_sessions,
            ports={service.name: service.port for service in spec.services},
            on_close=hook.timeout if hook else None,
            accepted=Acceptance(accepted.get("status", "Unknown")),
            accepted_message=accepted.get("message", ""),
            status=game.get("status", {}),
            spec=spec,
        )


def _accepted(game: dict[str, Any]) -> dict[str, Any]:
    """The condition Accepted, if it is about this generation."""
    for condition in game.get("status", {}).get("conditions", []):
        current = condition.get("observedGeneration") == game["metadata"]["generation"]
        if condition["type"] == "Accepted" and current:
            found: dict[str, Any] = condition
            return found
    return {}
