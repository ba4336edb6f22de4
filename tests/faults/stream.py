"""A watch that stands, between a component and the API server."""

from __future__ import annotations

import asyncio
import json
import time
from typing import Any

import aiohttp
from aiohttp import web

from tests.faults.request import Request


class Stream:
    """One watch, event by event. To be made in the task that carries it.

    Attributes:
        request: that began it.
        silent: while it is, nothing that the API server says comes through, not even the end.
        lag: seconds by which all that it says comes late.
        last_words: what is told instead of the rest, if anything is.
    """

    def __init__(self, request: Request) -> None:
        self.request = request
        self.silent = False
        self.lag = 0.0
        self.last_words: bytes | None = None
        self._task = asyncio.current_task()
        self._heard: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()

    def cut(self) -> None:
        """Break it."""
        assert self._task is not None
        self._task.cancel()

    def end_with(self, event: dict[str, Any]) -> None:
        """Tell an event that the API server did not, and end the watch in good order."""
        self.last_words = json.dumps(event).encode() + b"\n"
        self.cut()

    async def carry(self, answer: aiohttp.ClientResponse, outgoing: web.StreamResponse) -> None:
        """Pass on what the API server says, until it ends the watch.

        Raises:
            aiohttp.ClientError: the API server broke it off.
        """
        hearing = asyncio.create_task(self._hear(answer))
        try:
            while line := await self._next():
                await outgoing.write(line)
            await hearing
        finally:
            hearing.cancel()

    async def _hear(self, answer: aiohttp.ClientResponse) -> None:
        try:
            async for line in answer.content:
                self._heard.put_nowait((time.monotonic(), line))
        finally:
            self._heard.put_nowait((time.monotonic(), b""))

    async def _next(self) -> bytes:
        """The next line that comes through; empty at the end."""
        while True:
            heard_at, line = await self._heard.get()
            await asyncio.sleep(max(heard_at + self.lag - time.monotonic(), 0))
            if not self.silent:
                return line
