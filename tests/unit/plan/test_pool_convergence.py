"""Whatever happens to the pods of a pool: it comes to its size, and never gives up what serves.

The operator counts failures as it does in earnest; pods get ready or not, stop, are lost, claimed,
deleted by hand; the Game's size and template change.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field, replace
from datetime import timedelta

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from gamesession.plan.pod import Pod
from gamesession.plan.pool import LONGEST_PAUSE, Failure, Pool, PoolDecision, decide_pool
from tests.unit.plan.objects import (
    DISRUPTED,
    Object,
    at,
    condition,
    second,
    terminated,
    version,
    warm_pod,
)

START_TIMEOUT = 60
ROUNDS = 100


@dataclass
class World:
    """A pool and its pods.

    Attributes:
        now: seconds after noon.
        failures: when pods failed, as far as it was counted, in seconds after noon.
        made: when pods were made, likewise.
    """

    pool: Pool
    now: float = 0.0
    pods: list[Object] = field(default_factory=list)
    failures: list[float] = field(default_factory=list)
    made: list[float] = field(default_factory=list)
    _names: itertools.count[int] = field(default_factory=itertools.count)

    @property
    def living(self) -> list[Pod]:
        """The pods that nobody has deleted."""
        return [pod for each in self.pods if (pod := Pod.from_object(each)).is_alive]

    @property
    def serving(self) -> list[Pod]:
        """Those that a session could get."""
        return [pod for pod in self.living if pod.ready and pod.problem is None]

    def look(self) -> PoolDecision:
        """The operator looks, and does what it decides."""
        decision = decide_pool(
            self.pool, [Pod.from_object(each) for each in self.pods], at(self.now)
        )
        if decision.recovered:
            self.pool = replace(self.pool, failure=None)
        if decision.failed:  # those that were tried together fail together
            before = self.pool.failure
            count = before.count + (at(self.now) >= before.ends) if before else 1
            told = Failure(count, at(self.now), "Error", "No cards.")
            self.pool = replace(self.pool, failure=told)
            self.failures += [self.now] * len(decision.failed)
        for pod in (*decision.failed, *decision.surplus):
            self.delete(pod.uid)
        for _ in range(decision.create):
            self.make()
        return decision

    def make(self) -> None:
        name = f"p{next(self._names)}"
        made = warm_pod(name, template=self.pool.template_hash, created=int(self.now))
        self.pods.append(made)
        self.made.append(self.now)

    def delete(self, uid: str) -> None:
        """It is on its way out, in its grace period."""
        self.find(uid)["metadata"]["deletionTimestamp"] = second(self.now + 30)

    def find(self, uid: str) -> Object:
        [found] = [each for each in self.pods if each["metadata"]["uid"] == uid]
        return found

    def change(self, uid: str, **status: object) -> None:
        """Kubelet writes the pod's status."""
        found = self.find(uid)
        found["metadata"]["resourceVersion"] = version()
        found["status"] |= status

    def become_ready(self, uid: str, is_ready: bool = True) -> None:
        told = condition("Ready", "True" if is_ready else "False", "", since=self.now)
        self.change(uid, conditions=[told], podIP="10.0.0.1", phase="Running")


class PoolOfPods(RuleBasedStateMachine):
    """One pool's life."""

    @initialize(size=st.integers(0, 4))
    def begin(self, size: int) -> None:
        timeout = timedelta(seconds=START_TIMEOUT)
        self.world = World(Pool(size=size, template_hash="template-0", start_timeout=timeout))

    # The operator

    @rule()
    def look(self) -> None:
        before, paused = self.world.serving, self._is_paused()
        made = len(self.world.made)
        decision = self.world.look()
        kept = min(len(before), self.world.pool.size)
        assert len(self.world.serving) >= kept, "it gave up pods that serve"
        useful = [pod for pod in self.world.living if pod.problem is None]
        current = [pod for pod in useful if self._is_current(pod)]
        assert len(current) <= self.world.pool.size, "more than were asked for"
        assert len(useful) <= 2 * self.world.pool.size
        assert len(self.world.made) <= made + self.world.pool.size
        assert not paused or len(self.world.made) == made, "it made pods in a pause"
        gone = [pod.uid for pod in (*decision.failed, *decision.surplus)]
        assert len(gone) == len(set(gone))

    @rule()
    def the_pool_fills(self) -> None:
        """All that starts gets ready, and the operator looks at that."""
        self.look()
        for pod in self.world.living:
            if not pod.ready and pod.problem is None:
                self.world.become_ready(pod.uid)
        self.look()

    # The Game

    @rule(size=st.integers(0, 4))
    def size_is_edited(self, size: int) -> None:
        self.world.pool = replace(self.world.pool, size=size)

    @rule(number=st.integers(0, 2))
    def template_is_edited(self, number: int) -> None:
        name = f"template-{number}"
        if name != self.world.pool.template_hash:  # what is known of failures is of the old one
            self.world.pool = replace(self.world.pool, template_hash=name, failure=None)

    # The world

    @rule(seconds=st.sampled_from([0.1, 1.0, 5.0, 20.0, 301.0]))
    def time_passes(self, seconds: float) -> None:
        self.world.now += seconds

    @precondition(lambda self: self.world.living)
    @rule(which=st.integers(0, 7), ready=st.booleans())
    def a_pod_is_ready_or_not(self, which: int, ready: bool) -> None:
        self.world.become_ready(self._any(which), ready)

    @precondition(lambda self: self.world.living)
    @rule(which=st.integers(0, 7))
    def a_pod_stops(self, which: int) -> None:
        stopped = [terminated(finished=self.world.now)]
        self.world.change(self._any(which), phase="Failed", containerStatuses=stopped)

    @precondition(lambda self: self.world.living)
    @rule(which=st.integers(0, 7))
    def a_pod_is_lost(self, which: int) -> None:
        uid = self._any(which)
        told = self.world.find(uid)["status"].get("conditions", [])
        self.world.change(uid, conditions=[*told, DISRUPTED])

    @precondition(lambda self: self.world.serving)
    @rule(which=st.integers(0, 7))
    def a_pod_is_claimed(self, which: int) -> None:
        serving = self.world.serving
        self.world.pods.remove(self.world.find(serving[which % len(serving)].uid))

    @precondition(lambda self: self.world.living)
    @rule(which=st.integers(0, 7))
    def a_pod_is_deleted_by_hand(self, which: int) -> None:
        self.world.delete(self._any(which))

    @rule()
    def deleted_pods_go(self) -> None:
        self.world.pods = [
            each for each in self.world.pods if "deletionTimestamp" not in each["metadata"]
        ]

    # What must hold

    @invariant()
    def nobody_is_blamed_for_what_a_node_did(self) -> None:
        if hasattr(self, "world"):
            failure = self.world.pool.failure
            assert failure is None or failure.count <= len(self.world.failures)

    def teardown(self) -> None:
        """When nothing goes wrong any more, it comes to its size, of the present template, and
        forgets; whoever looks only when told to look again, and at changes, sees it through."""
        if not hasattr(self, "world"):
            return
        world, ends = self.world, self.world.now + LONGEST_PAUSE.total_seconds() + 90
        for _ in range(ROUNDS):
            decision = world.look()
            starting = [pod for pod in world.living if not pod.ready and pod.problem is None]
            if starting:
                world.become_ready(starting[0].uid)
            elif decision.look_again:
                world.now = max(world.now, (decision.look_again - at(0)).total_seconds())
            elif decision == PoolDecision():
                break
        assert [pod.template_hash for pod in world.living] == (
            [world.pool.template_hash] * world.pool.size
        )
        assert len(world.serving) == world.pool.size
        assert world.now <= ends
        assert decision == PoolDecision(), "it does not come to rest"

    def _any(self, which: int) -> str:
        living = self.world.living
        return living[which % len(living)].uid

    def _is_current(self, pod: Pod) -> bool:
        return pod.template_hash == self.world.pool.template_hash

    def _is_paused(self) -> bool:
        failure = self.world.pool.failure
        return failure is not None and at(self.world.now) < failure.ends and not self._recovers()

    def _recovers(self) -> bool:
        pods = [Pod.from_object(each) for each in self.world.pods]
        return decide_pool(self.world.pool, pods, at(self.world.now)).recovered


TestPoolOfPods = PoolOfPods.TestCase
TestPoolOfPods.settings = settings(max_examples=80, stateful_step_count=40, deadline=None)
