"""What the API server says there is, whatever becomes of it: a watch that begins anew, for ever."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress

from gamesession.kube.cluster import Cluster, Object
from gamesession.kube.errors import ApiError, Unreachable
from gamesession.kube.resources import Resource
from tests.integration.follower import Change, Follower

RETRY_SECONDS = 0.2


class Witness(Follower):
    """Follows one kind of object through the loss of the API server, and keeps no history.

    Args:
        see: called with each change. What vanished while nobody told is a `DELETED` when that is
            noticed.
    """

    def __init__(
        self,
        cluster: Cluster,
        resource: Resource,
        namespace: str,
        see: Callable[[Change], object],
        *,
        selector: str = "",
    ) -> None:
        super().__init__(cluster, resource, namespace, self._show, selector=selector)
        self._see = see

    def _show(self) -> None:
        while self.history:
            self._see(self.history.pop(0))

    async def _follow(self, version: str) -> None:
        while True:
            with suppress(ApiError, Unreachable):
                await super()._follow(version)
            await asyncio.sleep(RETRY_SECONDS)
            with suppress(ApiError, Unreachable):
                version = await self._look()

    async def _look(self) -> str:
        """List what is there and tell of the differences; returns how old the list is."""
        found, version = await self._cluster.list(
            self._resource, self._namespace, label_selector=self._selector
        )
        there = {each["metadata"]["uid"] for each in found}
        for known in list(self.objects.values()):
            if known["metadata"]["uid"] not in there:
                self._note("DELETED", known)
        for each in found:
            self._note(*self._news(each))
        return version

    def _news(self, found: Object) -> tuple[str, Object]:
        return "MODIFIED" if found["metadata"]["name"] in self.objects else "ADDED", found
