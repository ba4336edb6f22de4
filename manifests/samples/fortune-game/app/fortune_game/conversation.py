"""The conversation of one user, in memory, and waiting for what is said next."""

from __future__ import annotations

import asyncio
from collections import deque
from contextlib import suppress
from dataclasses import dataclass

REMEMBERED = 100
"""Exchanges kept in memory; older ones only count."""


@dataclass(frozen=True)
class Exchange:
    """One message of the user and what was answered."""

    number: int
    message: str
    reply: str


class Conversation:
    """What was said since the pod began to serve its user."""

    def __init__(self) -> None:
        self.count = 0
        self.exchanges: deque[Exchange] = deque(maxlen=REMEMBERED)
        self.ended = False
        self._changed = asyncio.Event()

    @property
    def last_message(self) -> str | None:
        return self.exchanges[-1].message if self.exchanges else None

    def add(self, message: str, reply: str) -> Exchange:
        """Append an exchange and wake everyone who waits for it."""
        self.count += 1
        exchange = Exchange(self.count, message, reply)
        self.exchanges.append(exchange)
        self._wake()
        return exchange

    def end(self) -> None:
        """Let everyone who waits go: the process is about to stop."""
        self.ended = True
        self._wake()

    async def after(self, number: int, within: float) -> list[Exchange]:
        """The exchanges that follow `number`, waiting up to `within` seconds for the first one."""
        if self.count <= number and not self.ended:
            with suppress(TimeoutError):
                async with asyncio.timeout(within):
                    await self._changed.wait()
        return [exchange for exchange in self.exchanges if exchange.number > number]

    def _wake(self) -> None:
        # Whoever waits holds the old event, whoever comes later waits on the new one: each change
        # wakes everyone once, and no slow reader can fill a queue.
        self._changed.set()
        self._changed = asyncio.Event()
