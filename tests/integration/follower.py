"""The objects of one kind in a namespace, followed by a watch, and all that it told."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from gamesession.kube.cluster import Cluster, Object
from gamesession.kube.errors import Unreachable
from gamesession.kube.resources import Resource

RETRY_SECONDS = 0.1


@dataclass(frozen=True)
class Change:
    """What a watch told.

    Attributes:
        at: when it reached us.
        kind: `ADDED`, `MODIFIED` or `DELETED`.
    """

    at: datetime
    kind: str
    object: Object


class Follower:
    """Follows one kind of object.

    Args:
        changed: called after each change.

    Attributes:
        objects: those that are there, by name.
        history: what the watch told, in order.
    """

    def __init__(
        self,
        cluster: Cluster,
        resource: Resource,
        namespace: str,
        changed: Callable[[], object],
        *,
        selector: str = "",
    ) -> None:
        self._cluster = cluster
        self._resource = resource
        self._namespace = namespace
        self._changed = changed
        self._selector = selector
        self._watch: asyncio.Task[None] | None = None
        self.objects: dict[str, Object] = {}
        self.history: list[Change] = []

    async def start(self) -> None:
        """List what is there, and follow it from then on."""
        found, version = await self._cluster.list(
            self._resource, self._namespace, label_selector=self._selector
        )
        for each in found:
            self._note("ADDED", each)
        self._watch = asyncio.create_task(self._follow(version))

    async def stop(self) -> None:
        """Follow it no longer."""
        if self._watch is not None:
            self._watch.cancel()
            await asyncio.gather(self._watch, return_exceptions=True)

    def check(self) -> None:
        """Raise what ended the watch, if anything did."""
        if self._watch is not None and self._watch.done():
            self._watch.result()

    async def picture(self) -> Callable[[], bool]:
        """What is there now, as a question: whether the watch has come that far. Watches of two
        kinds do not keep step, and one may show what followed from what the other has yet to."""
        found, version = await self._cluster.list(
            self._resource, self._namespace, label_selector=self._selector, metadata_only=True
        )
        listed = {each["metadata"]["name"]: _version(each) for each in found}

        def is_reached() -> bool:
            seen = {change.object["metadata"]["name"]: change.object for change in self.history}
            missed = [
                name
                for name, least in listed.items()
                if name not in seen or _version(seen[name]) < least
            ]
            stale = [
                name
                for name, each in self.objects.items()
                if name not in listed and _version(each) <= int(version)
            ]
            return not missed and not stale

        return is_reached

    async def _follow(self, version: str) -> None:
        while True:
            events = self._cluster.watch(
                self._resource,
                self._namespace,
                resource_version=version,
                label_selector=self._selector,
            )
            with contextlib.suppress(Unreachable):  # go on from where it broke off
                async for event in events:
                    version = event["object"]["metadata"]["resourceVersion"]
                    if event["type"] != "BOOKMARK":
                        self._note(event["type"], event["object"])
                continue
            await asyncio.sleep(RETRY_SECONDS)

    def _note(self, kind: str, found: Object) -> None:
        name = found["metadata"]["name"]
        if kind == "DELETED":
            self.objects.pop(name, None)
        else:
            self.objects[name] = found
        self.history.append(Change(datetime.now(UTC), kind, found))
        self._changed()


def _version(found: Object) -> int:
    return int(found["metadata"]["resourceVersion"])
