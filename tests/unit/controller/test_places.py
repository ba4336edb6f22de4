"""`maxSessions`, whatever happens in whatever order: never more sessions with a pod than there are
places, and no place stays free while somebody waits.

Sessions and pods come and go; the store hears of it late and in any order; pods are made whose
answer is lost; and who is looked at is only who the store's changes say.
"""

from __future__ import annotations

from typing import Any, cast

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from gamesession.controller.catalogue import Catalogue
from gamesession.controller.changes import Changes, Task
from gamesession.controller.greetings import Greetings
from gamesession.controller.sessions import Sessions
from gamesession.controller.store import Store
from gamesession.plan.start import decide
from tests.unit.plan.objects import NOON, Object, game, pod, second, session, status, version

GAME = ("games", "chess")
users = st.sampled_from("abc")


class Queue:
    """Keys to look at, once each."""

    def __init__(self) -> None:
        self.tasks: dict[Task, None] = {}

    def add(self, task: Task) -> None:
        self.tasks[task] = None


class Places(RuleBasedStateMachine):
    """A Game with few places."""

    @initialize(limit=st.integers(1, 2))
    def begin(self, limit: int) -> None:
        self.limit = limit
        self.truth: dict[str, Object] = {}
        self.pods: dict[str, Object] = {}
        self.ends: list[Object] = []
        self.failed: set[str] = set()
        self.store, self.queue = Store(lambda: NOON), Queue()
        unused: Any = None
        self.sessions = Sessions(
            unused,
            self.store,
            Catalogue(),
            unused,
            unused,
            Greetings(look_again=unused),
            compare=unused,
            look_again=unused,
        )
        endings = cast(Any, type("Endings", (), {"schedule": _ignore, "forget": _ignore})())
        Changes(self.store, cast(Any, self.queue), endings, Catalogue())
        self.store.see_game(game(limits={"maxSessions": limit}))

    # The world

    @rule(user=users, second=st.integers(0, 3), heard=st.booleans())
    def a_user_comes(self, user: str, second: int, heard: bool) -> None:
        if user not in self.truth:
            self.truth[user] = session(user, created=second, uid=f"{user}-{version()}")
            if heard:
                self.store.see_session(self.truth[user])

    @rule(user=users, fails=st.booleans())
    def a_session_ends(self, user: str, fails: bool) -> None:
        if user not in self.truth:
            return
        if fails:  # the operator writes it, and knows at once
            self._change(self.truth[user], status=status("Failed"))
            self.store.see_session(self.truth[user])
            self.failed.add(self.truth[user]["metadata"]["uid"])
        else:
            self.ends.append(self.truth.pop(user))

    @rule(user=users, how=st.sampled_from(["changes", "is deleted", "goes"]))
    def a_pod_changes(self, user: str, how: str) -> None:
        """By kubelet, by hand, or by the collector."""
        if user not in self.pods:
            return
        meta = self.pods[user]["metadata"]
        if how == "is deleted":
            meta["deletionTimestamp"] = second(30)
        self._change(self.pods[user])
        if how == "goes" and "deletionTimestamp" in meta:
            self.ends.append(self.pods.pop(user))

    # The operator

    @rule(user=users, of=st.sampled_from(["session", "pod", "end"]))
    def it_hears(self, user: str, of: str) -> None:
        if of == "session" and user in self.truth:
            self.store.see_session(self.truth[user])
        elif of == "pod" and user in self.pods:
            self.store.see_pod(self.pods[user])
        elif of == "end" and self.ends:
            self._lose(self.ends.pop(0))

    @rule(which=st.integers(0, 3), answered=st.booleans())
    def it_looks(self, which: int, answered: bool) -> None:
        """At one of those in the queue.

        Args:
            answered: the answer to a creation comes; else it looks again.
        """
        self._look_at(which, hears=answered, happens=True)

    @rule(which=st.integers(0, 3))
    def it_looks_and_the_request_is_lost(self, which: int) -> None:
        self._look_at(which, hears=False, happens=False)

    def _look_at(self, which: int, *, hears: bool, happens: bool) -> None:
        tasks = [task for task in self.queue.tasks if task.kind == "session"]
        if tasks:
            task = tasks[which % len(tasks)]
            del self.queue.tasks[task]
            self._look(task, hears=hears, happens=happens)

    def _look(self, task: Task, *, hears: bool, happens: bool) -> None:
        known = self.store.sessions.get(task.key)
        if known is None:
            return
        decision = decide(self.sessions.situation(known), NOON)
        if decision.create is None:
            return
        self.store.expect(known.uid, GAME)
        mine = self.truth.get(known.user)
        alive = mine is not None and mine["metadata"]["uid"] == known.uid
        if happens and alive and known.user not in self.pods:
            assert mine is not None
            self.pods[known.user] = pod(decision.create, of=mine, uid=f"pod-{version()}")
        if hears and known.user in self.pods:
            self.store.see_pod(self.pods[known.user])
        else:
            self.queue.add(task)

    # What must hold

    @invariant()
    def no_more_pods_than_places(self) -> None:
        if hasattr(self, "truth"):
            assert len(self._with_pod()) <= self.limit

    def teardown(self) -> None:
        """When all has been heard of, no place is free while somebody waits."""
        if not hasattr(self, "truth"):
            return
        for each in [*self.ends, *self._dead_pods(), *self._orphans()]:
            self._lose(each)
        for each in self.truth.values():
            self.store.see_session(each)
        for each in self.pods.values():
            self.store.see_pod(each)
        for _ in range(50):
            self._look_at(0, hears=True, happens=True)
        waiting = [
            user
            for user, each in self.truth.items()
            if each.get("status", {}).get("phase") != "Failed" and user not in self.pods
        ]
        assert not waiting or len(self._with_pod()) == self.limit, waiting

    def _with_pod(self) -> list[str]:
        """The users that have a pod and take a place: those whose session has not failed."""
        return [
            user
            for user, each in self.pods.items()
            if "deletionTimestamp" not in each["metadata"]
            and each["metadata"]["ownerReferences"][0]["uid"] not in self.failed
        ]

    def _dead_pods(self) -> list[Object]:
        dead = [user for user, x in self.pods.items() if "deletionTimestamp" in x["metadata"]]
        return [self.pods.pop(user) for user in dead]

    def _orphans(self) -> list[Object]:
        """The pods that the collector deletes."""
        owners = {each["metadata"]["uid"] for each in self.truth.values()}
        left = [
            user
            for user, each in self.pods.items()
            if each["metadata"]["ownerReferences"][0]["uid"] not in owners
        ]
        return [self.pods.pop(user) for user in left]

    def _change(self, found: Object, **fields: Any) -> None:
        found |= fields
        found["metadata"]["resourceVersion"] = version()

    def _lose(self, found: Object) -> None:
        meta = found["metadata"]
        lose = self.store.lose_pod if found["kind"] == "Pod" else self.store.lose_session
        lose((meta["namespace"], meta["name"]), meta["uid"])


def _ignore(*_: object) -> None:
    """No deadlines here."""


TestPlaces = Places.TestCase
TestPlaces.settings = settings(max_examples=120, stateful_step_count=40, deadline=None)
