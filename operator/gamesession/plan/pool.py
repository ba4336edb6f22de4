"""How many pods wait for a user, and which ones: the pool of one Game."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from gamesession.plan.pod import Pod
from gamesession.plan.problem import PATIENCE, Outlook

FIRST_PAUSE: Final = timedelta(seconds=1)
LONGEST_PAUSE: Final = timedelta(minutes=5)
STEADY_AFTER: Final = timedelta(seconds=10)
"""How long a pod made after a failure has to be ready for the failure to be forgotten: one that
stops as soon as it is ready is no sign of health."""


@dataclass(frozen=True, slots=True)
class Failure:
    """Pods of a pool that failed one after another.

    Attributes:
        count: how many.
        at: when the last one did.
        reason, message: its own words.
    """

    count: int
    at: datetime
    reason: str
    message: str

    @property
    def ends(self) -> datetime:
        """When the next pod may be tried: 1 s later, doubled with each failure up to 5 min."""
        return self.at + min(LONGEST_PAUSE, FIRST_PAUSE * (1 << min(self.count - 1, 16)))


@dataclass(frozen=True, slots=True)
class Pool:
    """What a Game's pool should be.

    Attributes:
        size: pods that should wait; 0 for a Game that takes no sessions.
        template_hash: of the pods that are made now.
        start_timeout: a pod that is not ready by then has failed.
        failure: `None` while its pods start.
        held_until: no pod is made before then: sessions wait for the room.
    """

    size: int
    template_hash: str
    start_timeout: timedelta
    failure: Failure | None = None
    held_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class PoolDecision:
    """What to do for a pool.

    Attributes:
        create: how many pods to make.
        failed: pods to delete that will not serve, and that is the Game's fault.
        surplus: other pods to delete.
        recovered: whether what failed before is over.
        look_again: when to decide anew should nothing change before.
    """

    create: int = 0
    failed: tuple[Pod, ...] = ()
    surplus: tuple[Pod, ...] = ()
    recovered: bool = False
    look_again: datetime | None = None


def claimable(pods: Iterable[Pod], template_hash: str) -> list[Pod]:
    """The waiting pods that a session may get, best first: of the present template, the oldest."""
    able = [pod for pod in pods if pod.is_alive and pod.ready and pod.ip and pod.problem is None]
    return sorted(
        able, key=lambda pod: (pod.template_hash != template_hash, pod.created_at, pod.uid)
    )


def decide_pool(pool: Pool, pods: Sequence[Pod], now: datetime) -> PoolDecision:
    """The next step for a pool.

    Args:
        pods: the Game's unclaimed pods.
    """
    living = [pod for pod in pods if pod.is_alive]
    lost = [pod for pod in living if pod.problem and pod.problem.outlook is Outlook.LOST]
    failed = [pod for pod in living if pod not in lost and _gives_up_at(pod, pool, now) <= now]
    bad = {pod.uid for pod in (*lost, *failed)}
    good = [pod for pod in living if pod.uid not in bad]
    current = [pod for pod in good if pod.template_hash == pool.template_hash]
    # A node that throws out whatever it gets is no reason for a storm of pods.
    fresh = [pod for pod in lost if pod.created_at + FIRST_PAUSE > now]
    missing = max(0, pool.size - len(current) - len(fresh))
    looks = [_gives_up_at(pod, pool, now) for pod in good if not pod.ready]
    looks += [pod.created_at + FIRST_PAUSE for pod in fresh]
    steady = _steady_at(pool, current)
    if steady and steady > now:
        looks.append(steady)
    recovered = steady is not None and steady <= now
    paused = [pool.failure.ends] if pool.failure and not recovered else []
    held = [pool.held_until] if pool.held_until else []
    if missing and (until := max([*paused, *held], default=now)) > now:
        looks.append(until)
        missing = 0
    if failed:  # how long to wait is known once they are counted
        missing = 0
    return PoolDecision(
        create=missing,
        failed=tuple(failed),
        surplus=(*(pod for pod in lost if pod not in fresh), *_surplus(pool, good)),
        recovered=recovered,
        look_again=min(looks, default=None),
    )


def least_needed(pods: Iterable[Pod], current: Collection[str]) -> Pod | None:
    """The waiting pod to let go of first: of an old template, not ready, the youngest.

    Args:
        current: hashes of the present templates.
    """
    return max(
        (pod for pod in pods if pod.is_alive),
        key=lambda pod: (pod.template_hash not in current, not pod.ready, pod.created_at, pod.uid),
        default=None,
    )


def _surplus(pool: Pool, good: list[Pod]) -> list[Pod]:
    """Those beyond the size: the ones that are not ready first, then the young.

    One of an old template that is ready stays until one of the present template is in its place.
    """
    in_order = sorted(good, key=lambda pod: (not pod.ready, pod.created_at, pod.uid))
    of_now = [pod for pod in in_order if pod.template_hash == pool.template_hash]
    ready = sum(pod.ready for pod in of_now)
    old = [pod for pod in in_order if pod.template_hash != pool.template_hash]
    old_ready = [pod for pod in old if pod.ready]
    kept = {pod.uid for pod in old_ready[: max(0, pool.size - ready)]}
    return [*(pod for pod in old if pod.uid not in kept), *of_now[pool.size :]]


def _gives_up_at(pod: Pod, pool: Pool, now: datetime) -> datetime:
    """When an unclaimed pod has failed, if nothing changes."""
    outlook = pod.problem.outlook if pod.problem else None
    if outlook in (Outlook.STOPPED, Outlook.HOPELESS):
        return now
    if pod.ready:
        return datetime.max.replace(tzinfo=now.tzinfo)
    timeout = max(pod.created_at, pod.ready_changed_at or pod.created_at) + pool.start_timeout
    if outlook is Outlook.IMPATIENT:
        return min(timeout, pod.created_at + PATIENCE)
    return timeout


def _steady_at(pool: Pool, current: list[Pod]) -> datetime | None:
    """When what failed before is over, as far as the pods show."""
    if pool.failure is None:
        return None
    failed_at = pool.failure.at.replace(microsecond=0)  # times of pods are whole seconds
    return min(
        (
            (pod.ready_changed_at or pod.created_at) + STEADY_AFTER
            for pod in current
            if pod.ready and pod.created_at >= failed_at
        ),
        default=None,
    )
