"""The API server: objects of one namespace, their versions, and who is told of changes."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any, Final, NamedTuple

from gamesession.kube.errors import Conflict, Gone
from gamesession.kube.resources import GAMES, PODS, SESSIONS, Resource
from tests.simulation.clock import Clock
from tests.simulation.patch import merged, patched
from tests.unit.plan.objects import NAMESPACE, Object, second

KINDS: Final = (GAMES, SESSIONS, PODS)
ROLE: Final = "gamelibrary.io/role"
GRACE: Final = 30.0


class Change(NamedTuple):
    """Something that happened to an object.

    Attributes:
        before: `None` for one that is new.
        after: `None` for one that is gone.
        told: as watches tell of it.
    """

    resource: Resource
    before: Object | None
    after: Object | None
    told: Object


class ApiServer:
    """What there is. Objects are never changed but replaced, for readers share them.

    Attributes:
        actor: who asks; for whoever hears of changes.
        writes: how often anything changed.
        listeners: told of each change at once.
    """

    def __init__(self, clock: Clock, chance: random.Random) -> None:
        self._clock = clock
        self._chance = chance
        self._objects: dict[Resource, dict[str, Object]] = {kind: {} for kind in KINDS}
        self._uids: dict[str, str] = {}
        self._version = 1000
        self.actor = ""
        self.writes = 0
        self.listeners: list[Callable[[Change], None]] = []

    # Reading ------------------------------------------------------------------------------------

    def all(self, resource: Resource) -> list[Object]:
        """All objects of a kind."""
        return list(self._objects[resource].values())

    def lives(self, uid: str) -> bool:
        """Whether an object of that uid is there."""
        return uid in self._uids

    def find(self, resource: Resource, name: str, uid: str = "") -> Object | None:
        """An object, if it (and if that life of it) is there."""
        found = self._objects[resource].get(name)
        return found if found and uid in ("", found["metadata"]["uid"]) else None

    def get(self, resource: Resource, name: str) -> Object:
        """As a GET.

        Raises:
            Gone: it is not there.
        """
        found = self._objects[resource].get(name)
        if found is None:
            raise Gone(404, {"reason": "NotFound", "message": f"{name} not found"})
        return found

    def listed(self, resource: Resource, *, metadata_only: bool) -> tuple[list[Object], str]:
        """As a LIST."""
        items = self.all(resource)
        if metadata_only:
            items = [{"metadata": each["metadata"]} for each in items]
        return items, str(self._version)

    # Writing ------------------------------------------------------------------------------------

    def create(self, resource: Resource, body: Object) -> Object:
        """As a POST."""
        name = body["metadata"]["name"]
        if name in self._objects[resource]:
            raise Conflict(409, {"reason": "AlreadyExists", "message": f"{name} already exists"})
        uid = f"{self._chance.getrandbits(32):08x}-{self._version}"
        metadata = body["metadata"] | {
            "namespace": NAMESPACE,
            "uid": uid,
            "generation": 1,
            "creationTimestamp": second(self._clock.seconds),
        }
        self._uids[uid] = name
        made: Object = {"apiVersion": resource.api_version, "kind": resource.kind} | body
        if resource is PODS:
            made["status"] = {"phase": "Pending"}
        return self._put(resource, None, made | {"metadata": metadata})

    def json_patch(self, resource: Resource, name: str, operations: list[Object]) -> Object:
        """As a PATCH with a JSON patch."""
        known = self.get(resource, name)
        return self._put(resource, known, patched(known, operations))

    def merge_patch(self, resource: Resource, name: str, patch: Object, subresource: str) -> Object:
        """As a PATCH with a merge patch; of the status alone, or of all but the status."""
        known = self.get(resource, name)
        guards = patch.get("metadata", {})
        # A merge patch of /status ignores a wrong uid (DESIGN 3).
        fields = ["resourceVersion"] if subresource else ["uid", "resourceVersion"]
        _check(known, {field: guards[field] for field in fields if field in guards})
        if subresource:
            patch = {"status": patch.get("status", {})}
        else:
            patch = {field: value for field, value in patch.items() if field != "status"}
        after = merged(known, patch)
        if after.get("spec") != known.get("spec"):
            generation = known["metadata"]["generation"] + 1
            after["metadata"] = after["metadata"] | {"generation": generation}
        return self._put(resource, known, after)

    def delete(self, resource: Resource, name: str, preconditions: dict[str, str]) -> Object:
        """As a DELETE: a pod that runs has its grace period, all else is gone at once."""
        known = self.get(resource, name)
        _check(known, preconditions)
        metadata = known["metadata"]
        if "deletionTimestamp" in metadata:
            return known
        if resource is PODS and known["status"]["phase"] == "Running":
            deletion = {"deletionTimestamp": second(self._clock.seconds + GRACE)}
            return self._put(resource, known, known | {"metadata": metadata | deletion})
        self.remove(resource, known)
        if resource is PODS:  # shown as it was, without a version
            return known | {"metadata": {**metadata, "resourceVersion": ""}}
        return {"kind": "Status", "status": "Success"}

    def remove(self, resource: Resource, known: Object) -> None:
        """An object is gone."""
        metadata = known["metadata"]
        del self._objects[resource][metadata["name"]], self._uids[metadata["uid"]]
        told = known | {"metadata": metadata | {"resourceVersion": self._next_version()}}
        self._tell(Change(resource, known, None, told))

    def _put(self, resource: Resource, before: Object | None, after: Object) -> Object:
        if after == before:
            return after
        metadata = after["metadata"] | {"resourceVersion": self._next_version()}
        after = after | {"metadata": metadata}
        self._objects[resource][metadata["name"]] = after
        self._tell(Change(resource, before, after, after))
        return after

    def _next_version(self) -> str:
        self._version += 1
        return str(self._version)

    def _tell(self, change: Change) -> None:
        self.writes += 1
        for listener in list(self.listeners):
            listener(change)


def _check(known: Object, preconditions: dict[str, Any]) -> None:
    for field, value in preconditions.items():
        if known["metadata"][field] != value:
            raise Conflict(409, {"reason": "Conflict", "message": f"{field} is another by now"})
