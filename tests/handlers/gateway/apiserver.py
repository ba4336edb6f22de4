"""As much of an API server as the gateway sees: objects, lists, watches, patches, preconditions.

kmock knows neither resource versions nor preconditions, which is what these tests are about. What
it says is held against the real one in `tests/integration`.
"""

from __future__ import annotations

import asyncio
import copy
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Self
from uuid import uuid4

import jsonpatch
from aiohttp import web
from kubernetes.aio.client import Configuration

from gamesession.api.instant import parse_instant
from gamesession.kube.cluster import Object

KINDS = {
    "games": "Game",
    "gamesessions": "GameSession",
    "pods": "Pod",
    "events": "Event",
    "customresourcedefinitions": "CustomResourceDefinition",
}

Fault = Callable[[web.Request], Awaitable[web.StreamResponse | None]]
"""Answers a request in the API server's place, or lets it pass."""


@dataclass(frozen=True)
class Write:
    """A write that was asked for.

    Attributes:
        resource: plural, with the subresource: `gamesessions/status`.
        status: the HTTP status it was answered with.
    """

    verb: str
    resource: str
    name: str
    status: int


class Refusal(Exception):
    """An answer that is no success."""

    def __init__(self, status: int, reason: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.body = {
            "kind": "Status",
            "apiVersion": "v1",
            "status": "Failure",
            "reason": reason,
            "message": message,
            "code": status,
        }


class ApiServer:
    """Objects by resource and name, all in one namespace.

    Attributes:
        faults: tried in order before a request is looked at.
        on_change: called after every change of an object, `None` for its end.
    """

    def __init__(self) -> None:
        self.objects: dict[str, dict[str, Object]] = {plural: {} for plural in KINDS}
        self.writes: list[Write] = []
        self.faults: list[Fault] = []
        self.on_change: Callable[[str, Object | None], None] = lambda plural, found: None
        self._version = 100
        self._events: list[tuple[int, str, str, Object]] = []
        self._oldest = 0
        self._changed = asyncio.Event()
        self._watchers: set[asyncio.Task[Any]] = set()
        self._runner: web.AppRunner | None = None
        self._port = 0

    async def __aenter__(self) -> Self:
        await self.come()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.go_away()

    @property
    def configuration(self) -> Configuration:
        """The way to this server."""
        found = Configuration()
        found.host = f"http://127.0.0.1:{self._port}"
        return found

    async def come(self) -> None:
        """Listen, at the same port as before."""
        application = web.Application()
        application.router.add_route("*", "/{path:.*}", self._answer)
        self._runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self._port, reuse_address=True).start()
        self._port = self._runner.addresses[0][1]

    async def go_away(self) -> None:
        """Refuse connections, and break those that are open."""
        self.end_watches()
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    def end_watches(self) -> None:
        """End all watches, as a load balancer might."""
        for task in self._watchers:
            task.cancel()

    def compact(self) -> None:
        """Forget the past: who watches from there gets 410."""
        self._oldest = self._version
        self._events.clear()

    # Objects ------------------------------------------------------------------------------------

    def put(self, plural: str, found: Object) -> Object:
        """Store an object as it is, new or changed."""
        known = self.objects[plural].get(found["metadata"]["name"])
        return self._store(plural, found, "MODIFIED" if known else "ADDED")

    def change(self, plural: str, name: str, change: Callable[[Object], None]) -> Object:
        """Change an object in place."""
        found = copy.deepcopy(self.objects[plural][name])
        change(found)
        return self._store(plural, found, "MODIFIED")

    def remove(self, plural: str, name: str) -> None:
        """An object is gone."""
        found = copy.deepcopy(self.objects[plural].pop(name))
        self._tell("DELETED", plural, found)
        self.on_change(plural, None)

    def count(self, verb: str, resource: str) -> int:
        """How many writes of that kind succeeded."""
        return sum(
            write.verb == verb and write.resource == resource and write.status < 300
            for write in self.writes
        )

    def _store(self, plural: str, found: Object, kind: str) -> Object:
        found.setdefault("apiVersion", "v1" if plural == "pods" else "gamelibrary.io/v1alpha1")
        found.setdefault("kind", KINDS[plural])
        metadata = found["metadata"]
        if plural != "customresourcedefinitions":
            metadata.setdefault("namespace", "play")
        metadata.setdefault("uid", str(uuid4()))
        metadata.setdefault("generation", 1)
        metadata.setdefault("creationTimestamp", datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"))
        self._tell(kind, plural, found)
        self.objects[plural][metadata["name"]] = found
        self.on_change(plural, found)
        return found

    def _tell(self, kind: str, plural: str, found: Object) -> None:
        self._version += 1
        found["metadata"]["resourceVersion"] = str(self._version)
        self._events.append((self._version, plural, kind, copy.deepcopy(found)))
        self._changed.set()
        self._changed = asyncio.Event()

    # Requests -----------------------------------------------------------------------------------

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        plural, name, subresource = _parts(request.path)
        try:
            for fault in list(self.faults):
                if (answer := await fault(request)) is not None:
                    self._note(request, plural, name, subresource, answer.status)
                    return answer
            if "watch" in request.query:
                return await self._watch(request, plural)
            answer = web.json_response(await self._act(request, plural, name, subresource))
        except Refusal as refusal:
            answer = web.json_response(refusal.body, status=refusal.status)
        self._note(request, plural, name, subresource, answer.status)
        return answer

    def _note(
        self, request: web.Request, plural: str, name: str, subresource: str, status: int
    ) -> None:
        if request.method != "GET":
            verb = {"POST": "create", "PATCH": "patch", "DELETE": "delete"}[request.method]
            resource = f"{plural}/{subresource}" if subresource else plural
            self.writes.append(Write(verb, resource, name, status))

    async def _act(
        self, request: web.Request, plural: str, name: str, subresource: str
    ) -> dict[str, Any]:
        body = json.loads(await request.read() or b"null")
        match request.method:
            case "GET" if not plural:
                return {"resources": [{"name": known} for known in self.objects]}
            case "GET" if not name:
                return self._list(request, plural)
            case "GET":
                return self._get(plural, name)
            case "POST":
                return self._create(plural, body)
            case "PATCH":
                return self._patch(request, plural, name, subresource, body)
            case "DELETE":
                return self._delete(plural, name, body)
        raise Refusal(405, "MethodNotAllowed", request.method)

    def _list(self, request: web.Request, plural: str) -> dict[str, Any]:
        items = [found for found in self.objects[plural].values() if _selects(request, found)]
        return {"metadata": {"resourceVersion": str(self._version)}, "items": items}

    def _get(self, plural: str, name: str) -> Object:
        if name not in self.objects[plural]:
            raise Refusal(404, "NotFound", f'{plural} "{name}" not found')
        return self.objects[plural][name]

    def _create(self, plural: str, body: Object) -> Object:
        name = body["metadata"]["name"]
        if name in self.objects[plural]:
            raise Refusal(409, "AlreadyExists", f'{plural} "{name}" already exists')
        return self._store(plural, body, "ADDED")

    def _patch(
        self, request: web.Request, plural: str, name: str, subresource: str, body: Any
    ) -> Object:
        old = self._get(plural, name)
        if request.content_type == "application/json-patch+json":
            try:
                new = jsonpatch.apply_patch(old, body)
            except (jsonpatch.JsonPatchException, jsonpatch.JsonPointerException) as error:
                raise Refusal(422, "Invalid", str(error)) from error
        else:
            new = _merged(old, body)
        if new["metadata"]["resourceVersion"] != old["metadata"]["resourceVersion"]:
            raise Refusal(409, "Conflict", "the object has been modified")
        kept = copy.deepcopy(old)
        if subresource == "status":
            kept["status"] = new.get("status", {})
            _check_activity(old, kept)
        else:
            kept["metadata"], kept["spec"] = new["metadata"], new["spec"]
        stored = self._store(plural, kept, "MODIFIED")
        if "deletionTimestamp" in stored["metadata"] and not stored["metadata"].get("finalizers"):
            self.remove(plural, name)
        return stored

    def _delete(self, plural: str, name: str, body: Any) -> dict[str, Any]:
        found = self._get(plural, name)
        wanted = (body or {}).get("preconditions", {})
        for field, value in wanted.items():
            if found["metadata"][field] != value:
                raise Refusal(409, "Conflict", f"Precondition failed: {field}")
        if found["metadata"].get("finalizers"):

            def mark(doomed: Object) -> None:
                doomed["metadata"]["deletionTimestamp"] = found["metadata"]["creationTimestamp"]

            return self.change(plural, name, mark)
        self.remove(plural, name)
        return {"kind": "Status", "status": "Success"}

    async def _watch(self, request: web.Request, plural: str) -> web.StreamResponse:
        version = int(request.query["resourceVersion"])
        if version < self._oldest:
            raise Refusal(410, "Expired", "too old resource version")
        answer = web.StreamResponse(headers={"Content-Type": "application/json"})
        await answer.prepare(request)
        task = asyncio.current_task()
        assert task is not None
        self._watchers.add(task)
        try:
            while True:
                changed = self._changed
                for at, of, kind, found in self._events:
                    if at > version and of == plural and _selects(request, found):
                        event = {"type": kind, "object": found}
                        await answer.write(json.dumps(event).encode() + b"\n")
                version = self._version
                await changed.wait()
        finally:
            self._watchers.discard(task)


def _parts(path: str) -> tuple[str, str, str]:
    """Plural, name and subresource of a path; all empty for the list of kinds."""
    _, _, below = path.partition("/namespaces/")
    parts = below.split("/")[1:] if below else path.split("/")[3 if "/api/" in path else 4 :]
    plural, name, subresource = [*parts, "", "", ""][:3]
    return plural, name, subresource


def _selects(request: web.Request, found: Object) -> bool:
    selector = request.query.get("labelSelector", "")
    labels = found["metadata"].get("labels", {})
    wanted = [term.partition("=") for term in selector.split(",") if term]
    return _has_fields(request, found) and all(
        labels.get(label) == value if sign else label in labels for label, sign, value in wanted
    )


def _has_fields(request: web.Request, found: Object) -> bool:
    """Field selectors; no value holds a comma or a backslash."""
    selector = request.query.get("fieldSelector", "")
    wanted = [term.partition("=") for term in selector.split(",") if term]
    return all(_field(found, field) == value for field, _, value in wanted)


def _field(found: Object, path: str) -> Any:
    value: Any = found
    for name in path.split("."):
        value = value[name]
    return value


def _merged(old: Any, patch: Any) -> Any:
    """JSON merge patch, RFC 7386."""
    if not isinstance(patch, dict):
        return patch
    found = dict(old) if isinstance(old, dict) else {}
    for name, value in patch.items():
        if value is None:
            found.pop(name, None)
        else:
            found[name] = _merged(found.get(name), value)
    return found


def _check_activity(old: Object, new: Object) -> None:
    """The CRD's rule: `lastActivity` moves forward only."""
    before = old.get("status", {}).get("lastActivity")
    after = new["status"].get("lastActivity")
    if before and (not after or parse_instant(after) < parse_instant(before)):
        raise Refusal(422, "Invalid", "lastActivity moves forward only: a later one stands")
