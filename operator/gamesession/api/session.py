"""`GameSession`: one user of one game."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import ConfigDict, Field

from gamesession.api.conditions import Condition
from gamesession.api.metadata import Metadata
from gamesession.api.names import MAX_SESSION_NAME
from gamesession.api.parts import (
    RULES,
    IdleTimeout,
    Instant,
    ObservedPart,
    Part,
    cel,
    instant_schema,
)

Phase = Literal["Pending", "Starting", "Ready", "Failed"]
StartKind = Literal["Warm", "Cold"]

# Cc, the control characters of Unicode.
_NO_CONTROL_CHARACTERS = r"^[^\x00-\x1F\x7F-\x9F]*$"

User = Annotated[str, Field(min_length=1, max_length=253, pattern=_NO_CONTROL_CHARACTERS)]
"""A user, as `spec.user` holds it: 1 to 253 characters, none of them a control character."""


class GameSessionSpec(Part):
    """Who plays what."""

    user: Annotated[
        User,
        Field(
            json_schema_extra={
                RULES: [
                    cel(
                        "self == oldSelf",
                        "user cannot be changed: delete this session and create another",
                    )
                ]
            }
        ),
    ]
    """The user, 1 to 253 characters without control characters. Cannot be changed."""

    game: Annotated[
        str,
        Field(
            min_length=1,
            max_length=40,
            json_schema_extra={
                RULES: [
                    cel(
                        "self == oldSelf",
                        "game cannot be changed: delete this session and create another",
                    )
                ]
            },
        ),
    ]
    """Name of a Game in this namespace. Cannot be changed."""

    idle_timeout: IdleTimeout | None = None
    """This session ends without activity for this long. At least 5s, at most the Game's
    spec.session.maxIdleTimeout. Default: the Game's spec.session.idleTimeout."""


class GameSessionStatus(ObservedPart):
    """What has become of the session."""

    phase: Phase = "Pending"
    """Pending: no pod yet. Starting: its pod is not Ready yet. Ready: its pod answers. Failed: no
    pod could be had; the condition Ready says why."""

    conditions: Annotated[
        tuple[Condition, ...],
        Field(
            max_length=16,
            json_schema_extra={
                "x-kubernetes-list-type": "map",
                "x-kubernetes-list-map-keys": ["type"],
            },
        ),
    ] = ()
    """Ready: whether its pod answers, and if not, why, in words a person can act on."""

    pod_name: str | None = None
    """Name of the pod bound to it."""

    pod_uid: Annotated[str | None, Field(alias="podUID")] = None
    """UID of the pod bound to it."""

    pod_ip: Annotated[str | None, Field(alias="podIP")] = None
    """IP address of the pod bound to it."""

    services: dict[str, str] = Field(default_factory=dict)
    """Where the services are: their names, and ip:port of each."""

    start_kind: StartKind | None = None
    """Warm: it got a pod that was waiting. Cold: one was made for it."""

    last_activity: Annotated[
        Instant | None,
        instant_schema(
            cel("self >= oldSelf", "lastActivity moves forward only: a later one stands")
        ),
    ] = None
    """When the user was last active, to the microsecond. Moves forward only."""

    started_at: Instant | None = None
    """When its first pod was made; spec.session.maxLifetime of the Game counts from here."""

    starting_since: Instant | None = None
    """When it last turned to Starting; spec.session.startTimeout of the Game counts from here."""

    ready_at: Instant | None = None
    """When it last turned to Ready."""

    failed_at: Instant | None = None
    """When it turned to Failed; two minutes later it is removed."""

    restarts: int = 0
    """Pods that were replaced."""

    failures: int = 0
    """Pods that failed since it was last Ready."""

    observed_generation: int | None = None
    """The generation of the session that this status is about."""


_KEEPS_LAST_ACTIVITY = cel(
    "!has(oldSelf.status) || !has(oldSelf.status.lastActivity) "
    "|| (has(self.status) && has(self.status.lastActivity))",
    "lastActivity cannot be removed",
    ".status.lastActivity",
)


class GameSession(ObservedPart):
    """One user of one game. While it exists, the user has a pod of their own; it ends when the user
    has not been active for the idle timeout. Delete it to end it now."""

    model_config = ConfigDict(
        json_schema_extra={
            RULES: [
                cel(
                    f"size(self.metadata.name) <= {MAX_SESSION_NAME}",
                    "metadata.name of a GameSession must have at most "
                    f"{MAX_SESSION_NAME} characters",
                ),
                _KEEPS_LAST_ACTIVITY,
            ]
        }
    )

    metadata: Metadata
    spec: GameSessionSpec
    """Who plays what."""

    status: GameSessionStatus = GameSessionStatus()
    """What has become of the session."""
