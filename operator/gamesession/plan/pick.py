"""A session that has no pod: what keeps it from one, or the number of the one to make."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from gamesession.api.duration import format_duration
from gamesession.plan.game import Acceptance
from gamesession.plan.phase import CLOSING, IN_BETWEEN, failed, pending, without_pod
from gamesession.plan.pod import Pod
from gamesession.plan.problem import Outlook
from gamesession.plan.session import STARTING, Session
from gamesession.plan.situation import Decision, Situation

FIRST_BACKOFF: Final = timedelta(seconds=1)
LOOK_AT_CLOSING: Final = timedelta(seconds=1)
COLLECTOR_PATIENCE: Final = timedelta(seconds=5)


def pick(situation: Situation, now: datetime) -> Decision:
    """The next step of a session none of whose pods can serve; those left are spent."""
    session, spent = situation.session, situation.living
    if situation.acceptance is Acceptance.FALSE and situation.game is not None:
        return Decision(status=failed(session, now, "GameNotAccepted", _not_accepted(situation)))
    if blocked := _blocked(situation):
        return Decision(status=pending(session, now, *blocked))
    if closing := _closing(situation, now):
        return closing
    if timeout := _timed_out(situation, now):
        return timeout
    if (until := _backoff_ends(session, spent)) and until > now:
        return Decision(look_again=min(until, _gives_up_at(situation) or until))
    if spent and situation.game and situation.game.on_close:
        # What is left of the pod may still save this user's state: first let it go.
        return Decision(delete=spent, look_again=now + LOOK_AT_CLOSING)
    attempts = [session.attempts, *(pod.attempt for pod in situation.pods)]
    return Decision(create=1 + max(attempts), delete=spent)


def _blocked(situation: Situation) -> tuple[str, str] | None:
    """Why the session has to wait, whatever became of its old pods: reason and message."""
    session, game = situation.session, situation.game
    if game is None or game.deleting:
        return "GameNotFound", f"There is no Game {session.game} in this namespace."
    if session.started_at is None and game.suspended:
        return "GameSuspended", f"Game {game.name} takes no new sessions (spec.suspend)."
    if situation.acceptance is Acceptance.UNKNOWN:
        return "AwaitingAcceptance", _not_accepted(situation)
    if not situation.has_turn:
        return "AwaitingCapacity", (
            f"Game {game.name} may have {game.max_sessions} sessions with a pod at once "
            "(spec.limits.maxSessions); this one waits for its turn."
        )
    return None


def _not_accepted(situation: Situation) -> str:
    words = situation.acceptance_message or "the operator has yet to look at it"
    return f"Game {situation.session.game} is not accepted: {words}"


def _closing(situation: Situation, now: datetime) -> Decision | None:
    """Wait for a pod that still saves this user's state, no longer than `onClose` may take."""
    session, game = situation.session, situation.game
    if game is None or game.on_close is None:
        return None
    ends = [
        pod.deleted_at + game.on_close if pod.deleted_at else now + LOOK_AT_CLOSING
        for pod in _leaving(situation)
    ]
    if max(ends, default=now) <= now:
        return None
    message = "The pod before is saving its state (spec.hooks.onClose)."
    if session.started_at is None:
        status = pending(session, now, CLOSING, message)
    else:  # the time that it takes is not the start's
        status = without_pod(session, now, CLOSING, message, startingSince=None)
    return Decision(
        status=status,
        delete=_forgotten(situation, now),
        look_again=min(max(ends), now + LOOK_AT_CLOSING),
    )


def _leaving(situation: Situation) -> list[Pod]:
    return [*situation.previous, *(pod for pod in situation.pods if not pod.is_alive)]


def _forgotten(situation: Situation, now: datetime) -> tuple[Pod, ...]:
    """Pods of an earlier life that Kubernetes' collector should have deleted by now."""
    if now - situation.session.created_at < COLLECTOR_PATIENCE:
        return ()
    return tuple(pod for pod in situation.previous if pod.is_alive)


def _timed_out(situation: Situation, now: datetime) -> Decision | None:
    """The start has used up its time on pods that did not last."""
    session, game, ends = situation.session, situation.game, _gives_up_at(situation)
    if game is None or ends is None or now < ends:
        return None
    reason, message = session.condition.get("reason", ""), session.condition.get("message", "")
    if reason in ("", *IN_BETWEEN):  # else they are the last pod's own words
        reason = "StartTimeout"
        message = f"No pod was ready within {format_duration(game.start_timeout)}."
    return Decision(status=failed(session, now, reason, message))


def _gives_up_at(situation: Situation) -> datetime | None:
    session, game = situation.session, situation.game
    if game is None or session.phase != STARTING or session.starting_since is None:
        return None
    return session.starting_since + game.start_timeout


def _backoff_ends(session: Session, spent: tuple[Pod, ...]) -> datetime | None:
    """When the next pod may be tried: 1 s after the one before stopped, doubled each time. Lost
    pods are no failures, but pods that a node throws out as they come are no storm either."""
    ends = [
        (pod.problem.since or pod.created_at) + FIRST_BACKOFF * (1 << max(0, session.failures - 1))
        if pod.problem and pod.problem.outlook is Outlook.STOPPED
        else pod.created_at + FIRST_BACKOFF
        for pod in spent
    ]
    return max(ends, default=None)
