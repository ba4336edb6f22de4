"""kmock with what it leaves out and the operator relies on: resource versions, preconditions, merge
patches, and tables of metadata.

Any of it can be overruled by kmock's own means: `server["post", …] << 500`.
"""

from __future__ import annotations

import copy
from typing import Any

import kmock as km

from tests.unit.plan.objects import NAMESPACE, NOON, Object, second, version

KINDS = {"games": "Game", "gamesessions": "GameSession", "pods": "Pod", "events": "Event"}
ROLE = "gamelibrary.io/role"

Place = tuple[str, str, str]
"""Plural, namespace and name."""


def refusal(status: int, reason: str, message: str = "") -> Exception:
    """An answer that is no success; raised by whoever answers."""
    return km.KubernetesError(status=status, reason=reason, message=message or reason, details={})


def hang_up(request: km.Request) -> bytes:
    """Take the request, and close the connection without an answer."""
    raw: Any = request._raw_request
    raw.transport.abort()
    return b""


class ApiServer(km.KubernetesScaffold):
    """Objects by kind, namespace and name.

    Attributes:
        objects: what there is.
        grace: seconds after noon that a deleted pod's grace period ends at; `None`: it is gone at
            once.
        quota: pods that there may be at once.
    """

    objects: dict[Place, Object]
    grace: float | None
    quota: int | None

    def __attrs_post_init__(self) -> None:
        super().__attrs_post_init__()
        self.objects = {}
        self.grace = 30
        self.quota = None
        ours = self.fallback
        ours[km.action.LIST] << self._list
        ours[km.action.FETCH] << self._fetch
        ours[km.action.CREATE] << self._create
        ours[km.action.UPDATE] << self._patch
        ours[km.action.DELETE] << self._delete

    # For tests ----------------------------------------------------------------------------------

    def store(self, found: Object) -> Object:
        """Store an object as it is; another version of it if it is there."""
        plural = next(each for each, kind in KINDS.items() if kind == found["kind"])
        meta = found["metadata"]
        meta["resourceVersion"] = version()
        self.objects[plural, meta["namespace"], meta["name"]] = copy.deepcopy(found)
        return found

    def remove(self, found: Object) -> None:
        """An object is gone."""
        plural = next(each for each, kind in KINDS.items() if kind == found["kind"])
        meta = found["metadata"]
        del self.objects[plural, meta["namespace"], meta["name"]]

    def all(self, plural: str) -> list[Object]:
        """All objects of a kind."""
        return [each for place, each in self.objects.items() if place[0] == plural]

    def one(self, plural: str) -> Object:
        """The only object of a kind."""
        [found] = self.all(plural)
        return found

    def answer(self, request: km.Request) -> Object:
        """What a patch does and is answered, for who wants to do something before or after."""
        return self._patch(request)

    @property
    def requests(self) -> list[km.Request]:
        """All that was asked, in order."""
        return list(self)

    @property
    def writes(self) -> list[str]:
        """What was to be written, in order, Events apart: `POST pods`, `PATCH games/status`."""
        return [
            _written(each)
            for each in self.requests
            if each.method != "GET" and _plural(each) != "events" and "dryRun" not in each.params
        ]

    @property
    def events(self) -> list[tuple[str, str]]:
        """Type and reason of the Events, in order."""
        return [(each["type"], each["reason"]) for each in self.all("events")]

    # Requests -----------------------------------------------------------------------------------

    def _list(self, request: km.Request) -> Object:
        items = [
            each
            for (plural, namespace, _), each in self.objects.items()
            if (plural, namespace) == (_plural(request), request.namespace)
            and (request.params.get("labelSelector") != ROLE or _has_role(each))
        ]
        if "PartialObjectMetadataList" in request.headers["Accept"]:
            items = [{"metadata": each["metadata"]} for each in items]
        return {"metadata": {"resourceVersion": version()}, "items": items}

    def _fetch(self, request: km.Request) -> Object:
        found = self.objects.get(_place(request))
        if found is None:
            raise refusal(404, "NotFound", f"{request.name} not found")
        return found

    def _create(self, request: km.Request) -> Object:
        made: Object = copy.deepcopy(request.data)
        meta = made["metadata"]
        place = _plural(request), str(request.namespace), meta["name"]
        if place in self.objects:
            raise refusal(409, "AlreadyExists", f"{meta['name']} already exists")
        if place[0] == "pods" and self.quota is not None and len(self.all("pods")) >= self.quota:
            raise refusal(403, "Forbidden", f"{meta['name']} is forbidden: exceeded quota: small")
        meta |= {
            "namespace": request.namespace,
            "uid": f"uid-of-{meta['name']}-{version()}",
            "resourceVersion": version(),
            "generation": 1,
            "creationTimestamp": second(NOON),
        }
        if "dryRun" not in request.params:
            self.objects[place] = made
        return made

    def _patch(self, request: km.Request) -> Object:
        known = self._fetch(request)
        if request.headers["Content-Type"] == "application/json-patch+json":
            return self._json_patch(request, known)
        patch = copy.deepcopy(request.data)
        assert request.headers["Content-Type"] == "application/merge-patch+json"
        guards = {
            field: patch.get("metadata", {}).pop(field, None)
            for field in ("uid", "resourceVersion")
        }
        for field, value in guards.items():
            # A merge patch of /status ignores a wrong uid (DESIGN 3).
            if field == "uid" and request.subresource == "status":
                continue
            if value is not None and value != known["metadata"][field]:
                raise refusal(409, "Conflict", "the object has been modified")
        if request.subresource == "status":
            patch = {"status": patch.get("status", {})}
        _merge(known, patch)
        known["metadata"]["resourceVersion"] = version()
        return known

    def _json_patch(self, request: km.Request, known: Object) -> Object:
        changed = copy.deepcopy(known)
        for operation in request.data:
            _operate(changed, **copy.deepcopy(operation))
        known |= changed
        known["metadata"]["resourceVersion"] = version()
        return known

    def _delete(self, request: km.Request) -> Object:
        known = self._fetch(request)
        for field, value in request.data["preconditions"].items():
            if known["metadata"][field] != value:
                raise refusal(409, "Conflict", f"Precondition failed: {field}")
        if known["kind"] != "Pod" or self.grace is None:
            del self.objects[_place(request)]
            return {"kind": "Status", "status": "Success"}
        known["metadata"]["deletionTimestamp"] = second(self.grace)
        known["metadata"]["resourceVersion"] = version()
        return known


def _plural(request: km.Request) -> str:
    return str(getattr(request.resource, "plural", ""))


def _place(request: km.Request) -> Place:
    return _plural(request), str(request.namespace), str(request.name)


def _written(request: km.Request) -> str:
    subresource = f"/{request.subresource}" if request.subresource else ""
    return f"{request.method.value} {_plural(request)}{subresource}"


def _has_role(found: Object) -> bool:
    return ROLE in found["metadata"].get("labels", {})


def _merge(known: Object, patch: Object) -> None:
    """JSON merge patch, RFC 7386."""
    for field, value in patch.items():
        if value is None:
            known.pop(field, None)
        elif isinstance(value, dict):
            _merge(known.setdefault(field, {}), value)
        else:
            known[field] = value


def _operate(found: Any, op: str, path: str, value: Any) -> None:
    """One operation of a JSON Patch, RFC 6902: of `test`, `add` and `replace`."""
    *parents, last = [_token(each) for each in path.removeprefix("/").split("/")]
    try:
        for each in parents:
            found = found[int(each) if isinstance(found, list) else each]
        there = found[int(last)] if isinstance(found, list) else found.get(last)
    except (KeyError, IndexError) as error:
        raise refusal(422, "Invalid", f"there is no {path}") from error
    if op == "test" and there != value:
        raise refusal(422, "Invalid", f"testing value {path} failed")
    if op == "replace" and there is None:
        raise refusal(422, "Invalid", f"replace operation does not apply: {path}")
    if op in ("add", "replace"):
        found[last] = value


def _token(text: str) -> str:
    """A part of a JSON Pointer, RFC 6901."""
    return text.replace("~1", "/").replace("~0", "~")


__all__ = ["NAMESPACE", "ApiServer", "hang_up", "refusal"]
