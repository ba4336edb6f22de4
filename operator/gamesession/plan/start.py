"""From a session without a pod to one that is Ready, and back when its pod is lost.

`decide` looks at a session, its Game and its pods, and says what to write next. Nothing is
remembered between two calls but what stands in the objects, so the operator may be killed after
any write and goes on where they say. A living pod of a session is one of three things:

- *bound*: `status.podUID` names it, and gateways use it;
- *unbound*: made for the session, and not told yet;
- *spent*: it stopped or refused its user, and that has been counted: `podName` names it or one
  that came after it, `podUID` does not.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from gamesession.api.duration import format_duration
from gamesession.plan import phase
from gamesession.plan.game import Game
from gamesession.plan.greeting import refused, wants_greeting
from gamesession.plan.pick import pick
from gamesession.plan.pod import Pod
from gamesession.plan.problem import PATIENCE, Outlook, Problem
from gamesession.plan.session import FAILED, READY, STARTING, Session
from gamesession.plan.situation import Decision, Situation

MAX_FAILURES: Final = 5
NOT_READY_FOR: Final = timedelta(seconds=10)


def decide(situation: Situation, now: datetime) -> Decision:
    """The next step of a session's start."""
    session, game = situation.session, situation.game
    if session.deleting:
        return Decision()
    if session.phase == FAILED:
        return Decision(delete=situation.living)
    if impossible := _impossible(situation):
        return Decision(status=phase.failed(session, now, *impossible))
    pod = _pod_of(session, situation.living)
    if pod is None:
        return pick(situation, now)
    if game is None:
        return Decision()  # Kubernetes' collector takes the session after its Game
    others = tuple(other for other in situation.living if other.uid != pod.uid)
    if pod.problem and pod.problem.wants_new_pod:
        return _count(session, pod, pod.problem, others, now)
    if pod.ready and pod.ip:
        return _serve(situation, game, pod, others, now)
    return _follow(session, game, pod, others, now)


def _impossible(situation: Situation) -> tuple[str, str] | None:
    """Why there can be no such session, whatever its pods: reason and message."""
    session, game, first = situation.session, situation.game, situation.first
    if first and first.uid != session.uid:
        return "Duplicate", f"GameSession {first.name} is the one of this user and game."
    own = session.idle_timeout
    if own is not None and game is not None and own > game.max_idle_timeout:
        return "IdleTimeoutOutOfBounds", (
            f"spec.idleTimeout {format_duration(own)} is above the maxIdleTimeout of Game "
            f"{game.name}, {format_duration(game.max_idle_timeout)}; choose a shorter one."
        )
    return None


def _pod_of(session: Session, living: tuple[Pod, ...]) -> Pod | None:
    """The pod in the status, else the oldest that is not spent."""
    for pod in living:
        if pod.uid == session.pod_uid:
            return pod
    unbound = (pod for pod in living if not _is_spent(session, pod))
    return min(unbound, key=lambda pod: (pod.created_at, pod.attempt, pod.uid), default=None)


def _is_spent(session: Session, pod: Pod) -> bool:
    if pod.name == session.pod_name and not session.pod_uid:
        return True
    stopped = pod.problem is not None and pod.problem.wants_new_pod
    # One that waited for its user has no number.
    return stopped and 0 < pod.attempt <= session.attempts


def _count(
    session: Session, pod: Pod, problem: Problem, others: tuple[Pod, ...], now: datetime
) -> Decision:
    """The pod stopped: let gateways let go of it, and count that once."""
    fields = phase.bound(session, pod, now)
    if problem.outlook is Outlook.STOPPED:
        fields["failures"] = session.failures + 1
        if session.failures + 1 >= MAX_FAILURES:
            status = phase.failed(session, now, problem.reason, problem.message, **_told(fields))
            return Decision(status=status, log_of=_log_of(pod, problem), delete=others)
    status = phase.without_pod(session, now, problem.reason, problem.message, **_told(fields))
    return Decision(status=status, delete=others)


def _told(fields: dict[str, object]) -> dict[str, object]:
    """Without the fields by which gateways would use the pod."""
    return {
        name: value for name, value in fields.items() if name not in ("podUID", "podIP", "services")
    }


def _serve(
    situation: Situation, game: Game, pod: Pod, others: tuple[Pod, ...], now: datetime
) -> Decision:
    """A pod that is ready: it serves once it knows whom."""
    session = situation.session
    if wants_greeting(session, game, pod):
        greeting = situation.greetings.get(pod.uid)
        if greeting is None:
            return _greet(session, game, pod, others, now)
        if greeting.refusal:
            decision = _count(session, pod, refused(pod, greeting), others, now)
            return replace(decision, delete=(pod, *others))
    return Decision(status=phase.ready(session, game, pod, now), delete=others)


def _greet(
    session: Session, game: Game, pod: Pod, others: tuple[Pod, ...], now: datetime
) -> Decision:
    """Tell the pod whom it serves. Nothing is written of that where nothing was said before, so
    that a start costs no more writes."""
    fields = phase.bound(session, pod, now)
    since = session.starting_since if session.phase == STARTING else None
    gives_up = _gives_up_at(pod, game, since or now)
    if gives_up <= now:
        return _give_up(session, game, pod, fields, now)
    status = {}
    if session.phase == READY:  # by another pod, which is gone
        message = f"Pod {pod.name} is being told whom it serves."
        status = phase.starting(session, now, phase.POD_STARTING, message, **fields)
    return Decision(greet=pod, status=status, delete=others, look_again=gives_up)


def _follow(
    session: Session, game: Game, pod: Pod, others: tuple[Pod, ...], now: datetime
) -> Decision:
    """A pod that is on its way, or has served and is not ready."""
    if session.phase == READY and session.pod_uid == pod.uid:
        return _unready(session, pod, others, now)
    fields = phase.bound(session, pod, now)
    since = session.starting_since if session.phase == STARTING else None
    gives_up = _gives_up_at(pod, game, since or now)
    if gives_up <= now:
        return _give_up(session, game, pod, fields, now)
    if pod.problem:
        status = phase.starting(session, now, pod.problem.reason, pod.problem.message, **fields)
    elif fields or session.phase != STARTING:
        message = f"Pod {pod.name} is starting."
        status = phase.starting(session, now, phase.POD_STARTING, message, **fields)
    else:
        status = {}
    return Decision(status=status, delete=others, look_again=gives_up)


def _unready(session: Session, pod: Pod, others: tuple[Pod, ...], now: datetime) -> Decision:
    """A pod that served and does not: for a while that may pass."""
    ends = (pod.ready_changed_at or now) + NOT_READY_FOR
    if ends > now:
        return Decision(delete=others, look_again=ends)
    seconds = int(NOT_READY_FOR.total_seconds())
    message = f"Pod {pod.name} has not been ready for {seconds} s."
    return Decision(
        status=phase.starting(session, now, phase.POD_NOT_READY, message),
        delete=others,
        look_again=now,
    )


def _gives_up_at(pod: Pod, game: Game, since: datetime) -> datetime:
    """When the start counts as failed, if the pod has not become ready by then."""
    timeout = since + game.start_timeout
    if pod.problem and pod.problem.outlook is Outlook.HOPELESS:
        return since
    if pod.problem and pod.problem.outlook is Outlook.IMPATIENT:
        return min(timeout, max(pod.created_at, since) + PATIENCE)
    return timeout


def _give_up(
    session: Session, game: Game, pod: Pod, fields: dict[str, object], now: datetime
) -> Decision:
    if pod.problem:
        reason, message = pod.problem.reason, pod.problem.message
        log_of = _log_of(pod, pod.problem)
    else:
        reason = "StartTimeout"
        missed = "had not answered spec.hooks.onClaim" if pod.ready else "was not ready"
        message = f"Pod {pod.name} {missed} within {format_duration(game.start_timeout)}."
        log_of = (pod, min(pod.running)) if pod.running else None
    status = phase.failed(session, now, reason, message, **_told(fields))
    return Decision(status=status, log_of=log_of)


def _log_of(pod: Pod, problem: Problem) -> tuple[Pod, str] | None:
    return (pod, problem.container) if problem.container else None
