"""All that bears on a session's next step, and the step."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from gamesession.plan.game import Acceptance, Game
from gamesession.plan.greeting import Greeting
from gamesession.plan.pod import Pod
from gamesession.plan.session import Session
from gamesession.plan.status import Fields


@dataclass(frozen=True, slots=True)
class Situation:
    """All that bears on a session's next step.

    Attributes:
        pods: those that the session owns, by uid.
        previous: pods of the same user and game whose owner is another life.
        first: of the live sessions of this user and game, the one that counts.
        has_turn: whether `maxSessions` lets it have a pod.
        greetings: what came of telling pods whom they serve, by uid; nothing of those that were
            not told yet.
    """

    session: Session
    game: Game | None
    acceptance: Acceptance
    acceptance_message: str
    pods: tuple[Pod, ...]
    previous: tuple[Pod, ...]
    first: Session | None
    has_turn: bool
    greetings: Mapping[str, Greeting] = field(default_factory=dict)

    @property
    def living(self) -> tuple[Pod, ...]:
        """The session's pods that nobody has deleted."""
        return tuple(pod for pod in self.pods if pod.is_alive)


@dataclass(frozen=True, slots=True)
class Decision:
    """What to do next, in this order: greet, create, tell, delete.

    Attributes:
        greet: the pod to tell whom it serves, which takes its time; `None` for none: what is under
            way is to be broken off.
        create: the number of the pod to make, `None` for none.
        status: merge patch of the status; empty for none.
        log_of: pod and container the end of whose log belongs to the message of `status`.
        delete: pods to delete.
        look_again: when to decide anew should nothing change before.
    """

    greet: Pod | None = None
    create: int | None = None
    status: Fields = field(default_factory=dict)
    log_of: tuple[Pod, str] | None = None
    delete: tuple[Pod, ...] = ()
    look_again: datetime | None = None
