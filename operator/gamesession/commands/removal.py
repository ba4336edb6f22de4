"""Removing all objects of one kind, and seeing them go."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Final

from gamesession.commands.printing import write
from gamesession.kube.cluster import Cluster, Object
from gamesession.kube.errors import Conflict
from gamesession.kube.resources import Resource

LOOK_SECONDS: Final = 0.25


class Removal:
    """The end of all objects of a kind.

    Args:
        namespace: `None` for all, and for kinds that have none.
        names: only objects of these names, if any are given.
        before: called with each object before it is deleted.

    Attributes:
        removed: how many have gone since they were first counted.
        left: those that are still there.
    """

    def __init__(
        self,
        cluster: Cluster,
        resource: Resource,
        namespace: str | None,
        *,
        selector: str = "",
        names: frozenset[str] = frozenset(),
        before: Callable[[Object], Awaitable[None]] | None = None,
    ) -> None:
        self.resource = resource
        self.removed = 0
        self.left: list[Object] = []
        self._cluster = cluster
        self._namespace = namespace
        self._selector = selector
        self._names = names
        self._before = before
        self._known: dict[str, Object] = {}
        self._asked: set[str] = set()

    def counted(self, number: int) -> str:
        """So many objects of the kind, in words."""
        return f"{number} {self.resource.kind}{'' if number == 1 else 's'}"

    async def look(self) -> None:
        """See which there are; what has gone since the last look is told."""
        items, _ = await self._cluster.list(
            self.resource, self._namespace, label_selector=self._selector, metadata_only=True
        )
        self.left = [
            each for each in items if not self._names or each["metadata"]["name"] in self._names
        ]
        there = {each["metadata"]["uid"]: each for each in self.left}
        for uid in self._known.keys() - there.keys():
            self.removed += 1
            write(f"{self.title(self._known.pop(uid))} removed\n")
        self._known.update(there)

    async def run(self, timeout: timedelta) -> None:
        """Delete all, those too that come meanwhile, until none is there or time has run out."""
        ends = time.monotonic() + timeout.total_seconds()
        while True:
            await self.look()
            for each in self.left:
                await self._delete(each)
            if not self.left or time.monotonic() > ends:
                return
            await asyncio.sleep(LOOK_SECONDS)

    async def _delete(self, found: Object) -> None:
        metadata = found["metadata"]
        if metadata["uid"] in self._asked or "deletionTimestamp" in metadata:
            return
        self._asked.add(metadata["uid"])
        if self._before is not None:
            await self._before(found)
        with contextlib.suppress(Conflict):  # another life of that name: the next look finds it
            await self._cluster.delete(
                self.resource, metadata.get("namespace"), metadata["name"], uid=metadata["uid"]
            )

    def title(self, found: Object) -> str:
        """Kind and name of one of them."""
        metadata = found["metadata"]
        where = f"{metadata['namespace']}/" if "namespace" in metadata else ""
        return f"{self.resource.kind.lower()} {where}{metadata['name']}"
