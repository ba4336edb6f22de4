"""A gateway, as its clients reach it."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any

import aiohttp
from yarl import URL


@dataclass(frozen=True)
class Gateway:
    """A gateway, and connections to it: as many as it takes."""

    url: str
    http: aiohttp.ClientSession

    @classmethod
    @contextlib.asynccontextmanager
    async def at(cls, url: str) -> AsyncIterator[Gateway]:
        """The gateway with that URL."""
        connector = aiohttp.TCPConnector(limit=0)
        timeout = aiohttp.ClientTimeout(total=120)
        async with aiohttp.ClientSession(connector=connector, timeout=timeout) as http:
            yield cls(url, http)

    def connect(
        self, path: str, **options: Any
    ) -> AbstractAsyncContextManager[aiohttp.ClientWebSocketResponse]:
        """A WebSocket."""
        return self.http.ws_connect(URL(self.url + path, encoded=True), max_msg_size=0, **options)

    def request(
        self, method: str, path: str, **options: Any
    ) -> AbstractAsyncContextManager[aiohttp.ClientResponse]:
        """A request whose path goes out as it is, and whose answer is read as it comes."""
        url = URL(self.url + path, encoded=True)
        return self.http.request(method, url, allow_redirects=False, **options)
