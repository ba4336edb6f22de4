"""Telling a pod whom it serves (`spec.hooks.onClaim`) before anybody talks to it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from gamesession.plan.game import Game
from gamesession.plan.pod import Pod
from gamesession.plan.problem import Outlook, Problem
from gamesession.plan.session import Session

CLAIM_REFUSED: Final = "ClaimRefused"


@dataclass(frozen=True, slots=True)
class Greeting:
    """What came of telling a pod whom it serves.

    Attributes:
        refusal: why it would not have its user, in its own words; `""` if it took it.
    """

    refusal: str = ""


def wants_greeting(session: Session, game: Game, pod: Pod) -> bool:
    """Whether a pod has to be told before it serves. One that has served knows."""
    has_served = session.pod_uid == pod.uid and bool(session.services)
    return game.spec.hooks.on_claim is not None and not has_served


def refused(pod: Pod, greeting: Greeting) -> Problem:
    """What is wrong with a pod that would not have its user: another one may."""
    return Problem(
        Outlook.STOPPED,
        CLAIM_REFUSED,
        f"Pod {pod.name} refused its claim (spec.hooks.onClaim). {greeting.refusal}",
        min(pod.running, default=""),
    )
