"""Waiting for the next change of something, without polling."""

from __future__ import annotations

import asyncio
from collections.abc import Hashable


class Changes:
    """Who waits for a change of what.

    Between a look at the state and `await next(...)` there must be no other await, else a change
    in between is missed.
    """

    def __init__(self) -> None:
        self._waiting: dict[Hashable, set[asyncio.Future[None]]] = {}

    async def next(self, key: Hashable) -> None:
        """Return at the next change of `key`."""
        change = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(key, set()).add(change)
        try:
            await change
        finally:
            self._leave(key, change)

    def tell(self, key: Hashable) -> None:
        """Wake all who wait for a change of `key`."""
        for change in self._waiting.pop(key, ()):
            if not change.done():
                change.set_result(None)

    def waiting(self, key: Hashable) -> int:
        """How many wait for a change of `key`."""
        return len(self._waiting.get(key, ()))

    def _leave(self, key: Hashable, change: asyncio.Future[None]) -> None:
        others = self._waiting.get(key)
        if others is not None:
            others.discard(change)
            if not others:
                del self._waiting[key]
