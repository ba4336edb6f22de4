"""Whatever happens in whatever order: one pod, each failure counted once, and an end in sight.

The operator decides over and over, on views of the world that may be old, is killed between any
two of its writes, and loses answers; pods stop, are lost, deleted, ready and not, and take their
user or refuse.
"""

from __future__ import annotations

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from gamesession.plan.start import MAX_FAILURES
from tests.unit.plan.objects import game, with_on_claim, with_on_close
from tests.unit.plan.world import Operator, World

ROUNDS = 300
"""Seconds in which all must have come to rest: the start's timeout, and a pod that saves."""


class Session(RuleBasedStateMachine):
    """One session's life."""

    @initialize(
        saves=st.booleans(),
        greets=st.booleans(),
        has_pod=st.booleans(),
        timeout=st.sampled_from(["5s", "30s", "2m"]),
    )
    def begin(self, saves: bool, greets: bool, has_pod: bool, timeout: str) -> None:
        hooks = with_on_close("10s")["hooks"] if saves else {}
        hooks |= with_on_claim()["hooks"] if greets else {}
        self.world = World(game(session={"startTimeout": timeout}, hooks=hooks))
        self.operator = Operator(self.world)
        if has_pod:  # so far nothing went wrong
            self.operator.look()
            self.operator.look()
            self.a_pod_is_ready_or_not(ready=True, seen=True)

    # The operator

    @rule()
    def look(self) -> None:
        self.operator.look()

    @rule()
    def sees_all_and_looks(self) -> None:
        self.operator.see_session()
        self.operator.see_pods()
        self.operator.look()

    @rule(writes=st.integers(0, 3))
    def is_killed(self, writes: int) -> None:
        if writes:
            self.operator.look(writes=writes)
        else:
            self.operator.restart()

    @rule(writes=st.integers(1, 3))
    def loses_an_answer(self, writes: int) -> None:
        self.operator.look(writes=writes, deaf=True)

    @rule()
    def sees_the_session(self) -> None:
        self.operator.see_session()

    @rule()
    def sees_the_pods(self) -> None:
        self.operator.see_pods()

    # The world

    @rule(seconds=st.sampled_from([0.1, 1.0, 5.0, 11.0, 45.0]))
    def time_passes(self, seconds: float) -> None:
        self.world.now += seconds

    @rule()
    def somebody_is_active(self) -> None:
        self.world.touch()

    @precondition(lambda self: self.world.useful)
    @rule(ready=st.booleans(), seen=st.booleans())
    def a_pod_is_ready_or_not(self, ready: bool, seen: bool) -> None:
        self.world.become_ready(self.world.useful[0], ready)
        if seen:
            self.sees_all_and_looks()

    @precondition(lambda self: self.world.useful)
    @rule()
    def a_pod_stops(self) -> None:
        self.world.stop(self.world.useful[0])

    @precondition(lambda self: self.world.useful)
    @rule(evicted=st.booleans())
    def a_pod_is_lost(self, evicted: bool) -> None:
        self.world.lose(self.world.useful[0], evicted=evicted)

    @precondition(lambda self: self.world.living)
    @rule()
    def a_pod_is_deleted_by_hand(self) -> None:
        self.world.delete(self.world.living[0]["metadata"]["uid"])

    @precondition(lambda self: self.told)
    @rule(takes=st.booleans())
    def a_pod_answers_its_claim(self, takes: bool) -> None:
        self.operator.hear_claim(takes=takes)

    @rule()
    def deleted_pods_go(self) -> None:
        self.world.reap()

    # What must hold

    @invariant()
    def never_two_pods_that_could_serve(self) -> None:
        if hasattr(self, "world"):
            assert len(self.world.useful) <= 1

    @invariant()
    def no_more_failures_than_are_allowed(self) -> None:
        if hasattr(self, "world"):
            failures = self.world.status.get("failures", 0)
            assert failures <= MAX_FAILURES
            assert failures < MAX_FAILURES or self.world.status["phase"] == "Failed"

    def teardown(self) -> None:
        """When nothing goes wrong any more, it comes to rest: Ready with its pod, or Failed."""
        if not hasattr(self, "world"):
            return
        for _ in range(ROUNDS):
            self.operator.restart()
            decision = self.operator.decide()
            written = decision.create is not None or decision.status or decision.delete
            if not written and not decision.greet and self._rests():
                return
            self.operator.look()
            if self.told:
                self.operator.hear_claim(takes=True)
                self.operator.look()
            for each in self.world.useful:
                if not each["status"].get("podIP"):
                    self.world.become_ready(each, True)
            self.world.reap()
            self.world.now += 1
        raise AssertionError(f"it does not come to rest: {self.world.status}, {self.world.pods}")

    @property
    def told(self) -> bool:
        """Whether a pod that could serve is being told whom."""
        telling = self.operator.telling
        return any(each["metadata"]["uid"] == telling for each in self.world.useful)

    def _rests(self) -> bool:
        status, living = self.world.status, self.world.living
        if status.get("phase") == "Failed":
            return not living
        bound = [each["metadata"]["uid"] for each in living]
        return status.get("phase") == "Ready" and bound == [status["podUID"]]


TestSession = Session.TestCase
TestSession.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
