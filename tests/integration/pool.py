"""The pods of a Game that wait for a user, as a test sees them."""

from __future__ import annotations

from gamesession.api.labels import (
    GAME_LABEL,
    ROLE_LABEL,
    ROLE_WARM,
    TEMPLATE_HASH_LABEL,
)
from gamesession.kube.cluster import Object
from tests.integration.playground import Playground


class Pool:
    """The pool of one Game.

    Args:
        playground: where the Game is.
    """

    def __init__(self, playground: Playground, game: str) -> None:
        self._playground = playground
        self._game = game

    @property
    def pods(self) -> list[Object]:
        """The pods that wait for a user and that nobody has deleted."""
        return [pod for pod in self._playground.pods.values() if self._waits(pod)]

    @property
    def ready(self) -> list[Object]:
        """Those of them that could serve."""
        return [pod for pod in self.pods if is_ready(pod)]

    @property
    def uids(self) -> set[str]:
        """The uids of those that wait."""
        return {uid_of(pod) for pod in self.pods}

    @property
    def living(self) -> list[Object]:
        """All pods of the Game that nobody has deleted, with a session or without."""
        return [
            pod
            for pod in self._playground.pods.values()
            if pod["metadata"]["labels"].get(GAME_LABEL) == self._game and is_alive(pod)
        ]

    async def until_full(self, size: int) -> None:
        """Wait until as many as that wait, all of them ready, and nobody else is there."""
        try:
            await self._playground.until(lambda: len(self.pods) == len(self.ready) == size)
        except TimeoutError as error:
            pods = {name_of(pod): is_ready(pod) for pod in self.pods}
            raise AssertionError(f"the pool does not come to {size}: {pods}") from error

    async def until_known(self, size: int) -> None:
        """Wait until the operator, too, knows of as many that are ready: its Game says so."""
        await self.until_full(size)
        told = {"ready": size, "starting": 0}
        await self._playground.until(
            lambda: self._playground.games[self._game]["status"].get("warm") == told
        )

    async def until_of_one_template(self, size: int, *, besides: str) -> None:
        """Wait until as many as that wait, ready and of another template than that one."""
        await self._playground.until(
            lambda: (
                len(self.pods) == len(self.ready) == size
                and all(template_of(pod) != besides for pod in self.pods)
            )
        )

    def ready_over_time(self, since: int) -> list[int]:
        """How many were ready after each change that the watch told, from one of them on."""
        there: dict[str, Object] = {}
        found = []
        for number, change in enumerate(self._playground.history["pods"]):
            if change.kind == "DELETED":
                there.pop(name_of(change.object), None)
            else:
                there[name_of(change.object)] = change.object
            if number >= since:
                found.append(sum(self._waits(pod) and is_ready(pod) for pod in there.values()))
        return found

    def _waits(self, pod: Object) -> bool:
        labels = pod["metadata"]["labels"]
        is_ours = labels.get(GAME_LABEL) == self._game and labels[ROLE_LABEL] == ROLE_WARM
        return is_ours and is_alive(pod)


def is_alive(pod: Object) -> bool:
    """Whether nobody has deleted it."""
    return "deletionTimestamp" not in pod["metadata"]


def is_ready(pod: Object) -> bool:
    """Whether kubelet says so."""
    conditions = pod.get("status", {}).get("conditions", [])
    return any((each["type"], each["status"]) == ("Ready", "True") for each in conditions)


def name_of(found: Object) -> str:
    """An object's name."""
    return str(found["metadata"]["name"])


def uid_of(found: Object) -> str:
    """An object's uid."""
    return str(found["metadata"]["uid"])


def template_of(pod: Object) -> str:
    """The hash of the template that a pod was made from."""
    return str(pod["metadata"]["labels"][TEMPLATE_HASH_LABEL])


def had_by(playground: Playground, session_uid: str) -> set[str]:
    """The uids of all pods that a session ever had, claimed or made for it."""
    return {
        uid_of(change.object)
        for change in playground.history["pods"]
        if session_uid in {each["uid"] for each in change.object["metadata"]["ownerReferences"]}
    }
