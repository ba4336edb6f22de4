"""The operator's parts beside an API server: its store is told what there is, its clock is set, and
it looks when the test says so."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Self, cast

from kubernetes.aio.client import Configuration

from gamesession.api.names import session_name
from gamesession.controller.announce import Announcer
from gamesession.controller.catalogue import Catalogue
from gamesession.controller.changes import Changes, Task
from gamesession.controller.endings import Endings
from gamesession.controller.games import Games
from gamesession.controller.greetings import Greetings, Patience
from gamesession.controller.pools import Pools
from gamesession.controller.sessions import Sessions
from gamesession.controller.shelf import Key
from gamesession.controller.store import Store
from gamesession.kube.cluster import Cluster
from gamesession.kube.errors import ApiError, Unreachable
from tests.eventually import eventually
from tests.handlers.apiserver import ApiServer
from tests.unit.plan.objects import NAMESPACE, Object, a_session, at, condition, pod

LOOKS = 20
"""More than any session needs to come to rest."""
IN_A_HURRY = Patience(answer=5, pause=0.01)

CHESS: Key = (NAMESPACE, "chess")
PODS = "/api/v1/namespaces/games/pods"
SESSION = f"/apis/gamelibrary.io/v1alpha1/namespaces/games/gamesessions/{a_session().name}"
STATUS = f"{SESSION}/status"
POD = pod()["metadata"]["name"]
SECOND_POD = pod(2)["metadata"]["name"]


class Queue:
    """What the operator would look at, in order; here it looks when the test says so."""

    def __init__(self) -> None:
        self.tasks: dict[Task, None] = {}

    def add(self, task: Task) -> None:
        self.tasks[task] = None


class Scene:
    """The operator without its watches: what there is, it learns from answers and from `tell`.

    Attributes:
        seconds: what the clock says, after noon.
        asked_to_compare: how often a comparison was asked for.
        queue: what changes in the store would have it look at.
        looks: (name, seconds) of the looks that were asked for.
    """

    def __init__(self, server: ApiServer) -> None:
        self.server = server
        self.seconds = 0.0
        self.patience = IN_A_HURRY
        self.asked_to_compare = 0
        self.looks: list[tuple[str, float]] = []
        configuration = Configuration()
        configuration.host = str(server.url).rstrip("/")
        self.cluster = Cluster(configuration, "operator")
        self.begin()

    def begin(self) -> None:
        """A life of the operator begins: it knows nothing."""
        self.store = Store(self.now)
        self.catalogue = Catalogue()
        announcer = Announcer(self.cluster, self.now)
        self.endings = Endings(
            self.cluster, self.store, announcer, compare=self._compare, now=self.now
        )
        self.pools = Pools(
            self.cluster,
            self.store,
            self.catalogue,
            look_again=self._look_again,
            failed=lambda key: self.queue.add(Task("game", key)),
            now=self.now,
        )
        self.greetings = Greetings(look_again=self._look_again, patience=self.patience)
        self.sessions = Sessions(
            self.cluster,
            self.store,
            self.catalogue,
            announcer,
            self.pools,
            self.greetings,
            compare=self._compare,
            look_again=self._look_again,
            now=self.now,
        )
        self.games = Games(
            self.cluster,
            self.store,
            self.catalogue,
            self.pools,
            allow_privileged=False,
            changed=lambda key: None,
            look_again=self._look_again,
            now=self.now,
        )
        # Enters deadlines, as in the operator; the queue itself is not at work.
        self.queue = Queue()
        Changes(self.store, cast(Any, self.queue), self.endings, self.catalogue)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.greetings.close()
        await self.cluster.close()

    def be_patient(self, patience: Patience) -> None:
        """The operator begins anew, and waits so long for pods that are told whom they serve."""
        self.patience = patience
        self.begin()

    def now(self) -> datetime:
        """What the clock says."""
        return at(self.seconds)

    def tell(self) -> None:
        """The watches catch up with all that there is."""
        for each in self.server.all("games"):
            self.store.see_game(each)
        for each in self.server.all("gamesessions"):
            self.store.see_session(each, found=True)
        for each in self.server.all("pods"):
            self.store.see_pod(each)
        self._tell_of_ends()

    def start(self, *objects: Object) -> None:
        """These are there, and the operator knows of them."""
        for each in objects:
            self.server.store(each)
        self.tell()

    async def look(self, user: str = "alice", name: str = "") -> None:
        """One look at a user's session."""
        await self.sessions.reconcile((NAMESPACE, name or session_name("chess", user)))

    async def look_until_done(self, *users: str) -> None:
        """Look at sessions as the work queue does, until all that there is to do is done."""
        error: Exception | None = None
        for _ in range(LOOKS):
            before, error = len(self.server.writes), None
            for user in users or ("alice",):
                try:
                    await self.look(user)
                except (ApiError, Unreachable) as caught:
                    error = caught
            if error is None and len(self.server.writes) == before:
                return
        raise AssertionError(f"there is no end to it: {self.server.writes}") from error

    async def event(self, reason: str) -> Object:
        """The Event with that reason, once it is there."""

        async def there() -> Object | None:
            return next((x for x in self.server.all("events") if x["reason"] == reason), None)

        return await eventually(there)

    def status(self, user: str = "alice") -> Object:
        """A user's session's status at the API server."""
        found = self.server.objects["gamesessions", NAMESPACE, session_name("chess", user)]
        status: Object = found.get("status", {})
        return status

    def reason(self, user: str = "alice") -> tuple[str, str]:
        """Phase of a user's session, and the reason of its condition."""
        status = self.status(user)
        [condition] = status["conditions"]
        return status["phase"], condition["reason"]

    def change_pod(self, found: Object, **status: Any) -> None:
        """Kubelet writes a pod's status; the operator hears of it."""
        found["status"] = found.get("status", {}) | status
        self.server.store(found)
        self.tell()

    def serve(self) -> None:
        """Kubelet has the only pod run and ready."""
        ready = condition("Ready", "True", "", since=self.seconds)
        [found] = self.server.all("pods")
        self.change_pod(found, phase="Running", podIP="10.0.0.1", conditions=[ready])

    def _compare(self) -> None:
        self.asked_to_compare += 1

    def _look_again(self, key: Key, seconds: float) -> None:
        self.looks.append((key[1], seconds))

    def _tell_of_ends(self) -> None:
        for plural, shelf, lose in (
            ("games", self.store.games, self.store.lose_game),
            ("gamesessions", self.store.sessions, self.store.lose_session),
            ("pods", self.store.pods, self.store.lose_pod),
        ):
            there = {each["metadata"]["uid"] for each in self.server.all(plural)}
            for each in shelf.values():
                if each.uid not in there:
                    lose((each.namespace, each.name), each.uid)
