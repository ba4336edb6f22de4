"""A world of one session: an API server, a kubelet, and an operator that may be late or killed.

It knows what is true; the operator knows what it has been told. What must never happen is checked
where it would.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from functools import partial

from gamesession.api.names import pod_name
from gamesession.plan.greeting import Greeting
from gamesession.plan.situation import Decision
from gamesession.plan.start import decide
from tests.unit.plan.objects import (
    DISRUPTED,
    Object,
    at,
    condition,
    pod,
    second,
    session,
    situation,
    stopped_pod,
    terminated,
    text,
    version,
    written,
)

GRACE_SECONDS = 30

Heard = Callable[[], object]
"""The answer to a write reaches the operator."""
Write = Callable[[], Heard]
"""A write happens."""


class Conflict(Exception):
    """409: somebody wrote in between."""


class World:
    """What is true.

    Attributes:
        now: seconds after noon.
        counted: the pods whose failure has been counted, by name.
        greeted: uids of the pods that know whom they serve.
    """

    def __init__(self, game: Object) -> None:
        self.game = game
        self.now = 0.0
        self.session = session()
        self.pods: dict[str, Object] = {}
        self.counted: list[str] = []
        self.greeted: set[str] = set()
        self._greets = "onClaim" in game["spec"].get("hooks", {})
        self._stopped: set[str] = set()
        self._refused: set[str] = set()

    @property
    def status(self) -> Object:
        found: Object = self.session.get("status", {})
        return found

    @property
    def living(self) -> list[Object]:
        """The pods that nobody has deleted."""
        return [each for each in self.pods.values() if "deletionTimestamp" not in each["metadata"]]

    @property
    def useful(self) -> list[Object]:
        """The living ones that have not stopped and were not lost, and are not given up because
        they refused their user."""
        useless = self._stopped | (self._refused & set(self.counted))
        return [each for each in self.living if each["metadata"]["name"] not in useless]

    # The API server -----------------------------------------------------------------------------

    def create(self, number: int) -> Object:
        """Make a pod, or find that it is there."""
        meta = self.session["metadata"]
        name = pod_name(meta["name"], meta["uid"], number)
        if name not in self.pods:
            assert not self.useful, f"{name} is made beside {self.useful[0]['metadata']['name']}"
            uid = f"{meta['uid']}-pod-{number}-at-{self.now}"
            self.pods[name] = pod(number, of=self.session, uid=uid, created=self.now)
        return copy.deepcopy(self.pods[name])

    def patch_status(self, resource_version: str, patch: Object) -> Object:
        """Write the status, if nobody wrote in between.

        Raises:
            Conflict: somebody did.
        """
        if resource_version != self.session["metadata"]["resourceVersion"]:
            raise Conflict
        before, after = self.status, written(self.session, patch)
        self._check_count(before, after)
        if before.get("phase") == "Failed":
            assert after["phase"] == "Failed", "what has failed stays so"
        if self._greets and after["phase"] == "Ready":
            assert after["podUID"] in self.greeted, "it serves and does not know whom"
        self.session["status"] = after
        self.session["metadata"]["resourceVersion"] = version()
        return copy.deepcopy(self.session)

    def delete(self, uid: str) -> Object | None:
        """Ask a pod to go; `None` if it is gone. What has stopped goes at once."""
        for name, found in list(self.pods.items()):
            if found["metadata"]["uid"] == uid:
                if "deletionTimestamp" not in found["metadata"]:
                    found["metadata"]["deletionTimestamp"] = second(self.now + GRACE_SECONDS)
                if found["status"]["phase"] in ("Failed", "Succeeded"):
                    del self.pods[name]
                return self._changed(found)
        return None

    def _check_count(self, before: Object, after: Object) -> None:
        if after.get("failures", 0) <= before.get("failures", 0):
            return
        assert after["failures"] == before.get("failures", 0) + 1
        name = after["podName"]
        assert name in self._stopped | self._refused, f"{name} has not failed"
        assert name not in self.counted, f"the failure of {name} is counted twice"
        self.counted.append(name)

    # The gateway --------------------------------------------------------------------------------

    def touch(self) -> None:
        """Somebody is active."""
        self.session["status"] = {**self.status, "lastActivity": text(self.now)}
        self.session["metadata"]["resourceVersion"] = version()

    # Kubelet and who else handles pods ----------------------------------------------------------

    def become_ready(self, found: Object, ready: bool) -> None:
        """Its readiness probe begins to succeed, or to fail."""
        status = "True" if ready else "False"
        found["status"] |= {
            "podIP": "10.0.0.1",
            "phase": "Running",
            "conditions": [condition("Ready", status, "", since=self.now)],
        }
        self._changed(found)

    def stop(self, found: Object) -> None:
        """Its container ends."""
        found["status"] |= stopped_pod()["status"]
        found["status"]["containerStatuses"] = [terminated(finished=self.now)]
        found["status"]["conditions"] = [condition("Ready", "False", "", since=self.now)]
        self._stopped.add(found["metadata"]["name"])
        self._changed(found)

    def lose(self, found: Object, *, evicted: bool) -> None:
        """Its node is done with it."""
        if evicted:
            found["status"] |= {"phase": "Failed", "reason": "Evicted"}
        found["status"]["conditions"] = [DISRUPTED]
        self._stopped.add(found["metadata"]["name"])
        self._changed(found)

    def check_claim(self, name: str) -> None:
        """It is about to be told whom it serves."""
        assert name not in self.counted, f"{name} is told again though it was given up"

    def answer_claim(self, uid: str, *, takes: bool) -> None:
        """It was told whom it serves, and takes them or not."""
        [name] = [name for name, each in self.pods.items() if each["metadata"]["uid"] == uid]
        if takes:
            self.greeted.add(uid)
            self._refused.discard(name)
        else:
            self._refused.add(name)

    def reap(self) -> None:
        """The pods that were deleted are gone."""
        for name, found in list(self.pods.items()):
            if "deletionTimestamp" in found["metadata"]:
                del self.pods[name]

    def _changed(self, found: Object) -> Object:
        found["metadata"]["resourceVersion"] = version()
        return copy.deepcopy(found)


class Operator:
    """What looks at the world, decides, and writes; it remembers nothing but what it saw, and what
    came of telling a pod whom it serves.

    Attributes:
        telling: uid of the pod that is being told.
    """

    def __init__(self, world: World) -> None:
        self._world = world
        self.restart()

    def restart(self) -> None:
        """It was killed, and lists everything anew."""
        self.telling = ""
        self._greetings: dict[str, Greeting] = {}
        self.see_session()
        self.see_pods()

    def see_session(self) -> None:
        """Its watch of sessions catches up."""
        self._session = copy.deepcopy(self._world.session)

    def see_pods(self) -> None:
        """Its watch of pods catches up."""
        self._pods = copy.deepcopy(self._world.pods)

    def decide(self) -> Decision:
        """What it would do next."""
        found = situation(
            self._session,
            *self._pods.values(),
            of=self._world.game,
            greetings=self._greetings,
        )
        return decide(found, at(self._world.now))

    def hear_claim(self, *, takes: bool) -> None:
        """The pod that is being told answers."""
        self._world.answer_claim(self.telling, takes=takes)
        self._greetings = {self.telling: Greeting("" if takes else "I will not.")}
        self.telling = ""

    def look(self, *, writes: int = 100, deaf: bool = False) -> None:
        """Decide and do it.

        Args:
            writes: after so many it is killed, or else
            deaf: the last one's answer is lost.
        """
        decision = self.decide()
        if decision.greet:
            self._world.check_claim(decision.greet.name)
        self.telling = decision.greet.uid if decision.greet else ""
        try:
            for number, write in enumerate(self._writes(decision), start=1):
                heard = write()
                if number == writes and deaf:
                    return
                heard()
                if number == writes:
                    self.restart()
                    return
        except Conflict:
            self.see_session()

    def _writes(self, decision: Decision) -> Iterator[Write]:
        if decision.create is not None:
            number = decision.create
            yield lambda: self._hear_pod(self._world.create(number))
        if decision.status:
            before = self._session["metadata"]["resourceVersion"]
            yield lambda: self._hear_session(self._world.patch_status(before, decision.status))
        for each in decision.delete:
            yield partial(self._end, each.uid, each.name)

    def _hear_pod(self, answer: Object) -> Heard:
        return lambda: self._pods.update({answer["metadata"]["name"]: answer})

    def _hear_session(self, answer: Object) -> Heard:
        def heard() -> None:
            self._session = answer

        return heard

    def _end(self, uid: str, name: str) -> Heard:
        answer = self._world.delete(uid)
        if answer is None:
            return lambda: self._pods.pop(name, None)
        return lambda: self._pods.update({name: answer})
