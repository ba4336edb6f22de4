"""Somebody who watches the objects of a kind, and when each became what."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterable
from datetime import UTC, datetime

from gamesession.kube.resources import Resource
from tests.bench.bare import Bare, Object


class Watcher:
    """The objects of one kind in a namespace.

    Args:
        is_ready: whether an object is what is waited for.

    Attributes:
        ready: name → the object as it was first seen ready.
        ready_at, gone_at: name → when that was seen.
    """

    def __init__(
        self, bare: Bare, resource: Resource, namespace: str, is_ready: Callable[[Object], bool]
    ) -> None:
        self._bare = bare
        self._resource = resource
        self._namespace = namespace
        self._is_ready = is_ready
        self._waiting: dict[str, asyncio.Future[Object]] = {}
        self._went = asyncio.Event()
        self.ready: dict[str, Object] = {}
        self.ready_at: dict[str, datetime] = {}
        self.gone_at: dict[str, datetime] = {}

    @contextlib.asynccontextmanager
    async def watching(self) -> AsyncIterator[None]:
        """Watch until left.

        Raises:
            OSError, aiohttp.ClientError: something was not seen.
        """
        _, version = await self._bare.list(self._resource, self._namespace)
        watch = asyncio.create_task(self._follow(version))
        try:
            yield
            if watch.done():
                watch.result()
        finally:
            watch.cancel()
            await asyncio.gather(watch, return_exceptions=True)

    async def until_ready(self, name: str) -> Object:
        """An object as it was when it was ready."""
        if name not in self.ready:
            waiting = self._waiting.setdefault(name, asyncio.get_running_loop().create_future())
            await waiting
        return self.ready[name]

    async def until_gone(self, names: Iterable[str]) -> None:
        """Wait until objects were seen to go."""
        missing = set(names)
        while missing := missing - self.gone_at.keys():
            self._went.clear()
            await self._went.wait()

    async def _follow(self, version: str) -> None:
        try:
            while True:  # the API server ends the watch of who is too slow for it
                async for kind, found in self._bare.watch(self._resource, self._namespace, version):
                    self._note(kind, found, datetime.now(UTC))
                    version = found["metadata"]["resourceVersion"]
        except Exception as error:
            for waiting in self._waiting.values():
                waiting.set_exception(error)
            raise

    def _note(self, kind: str, found: Object, now: datetime) -> None:
        name = found["metadata"]["name"]
        if kind == "DELETED":
            self.gone_at[name] = now
            self._went.set()
        elif name not in self.ready and self._is_ready(found):
            self.ready[name] = found
            self.ready_at[name] = now
            if waiting := self._waiting.pop(name, None):
                waiting.set_result(found)


def has_condition_ready(found: Object) -> bool:
    """Whether an object's condition Ready is true."""
    conditions = found.get("status", {}).get("conditions", [])
    return any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)
