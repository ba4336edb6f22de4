"""Connections that stay: a request's head is sent, and then there is no end of what comes."""

from __future__ import annotations

import asyncio
import resource
from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar, cast

PATIENCE = 60.0
AT_ONCE = 50
"""How many are opened at the same time: as many as an accept queue surely takes."""

WEBSOCKET = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
}


class Stream(asyncio.Protocol):
    """One of them.

    Args:
        path: what is asked for.
        headers: of the request.
        status: that the answer must have.

    Attributes:
        opened: done when the head of the answer is there.
        failure: why it has ended, if it has.
    """

    def __init__(self, path: str, headers: Mapping[str, str], status: int = 200) -> None:
        lines = [f"GET {path} HTTP/1.1", "Host: bench"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        self._head = "\r\n".join([*lines, "", ""]).encode()
        self._good = b"HTTP/1.1 %d " % status
        self._answer = b""
        self._transport: asyncio.Transport | None = None
        self.opened: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.failure: OSError | None = None

    def take(self, data: bytes) -> None:
        """Something came."""

    def send(self, data: bytes) -> None:
        """Say something."""
        if self._transport is not None:
            self._transport.write(data)

    def close(self) -> None:
        """End it."""
        if self._transport is not None:
            self._transport.abort()

    def fail(self, failure: OSError) -> None:
        """Take note that it has failed; the first reason counts."""
        self.failure = self.failure or failure
        if not self.opened.done():
            self.opened.set_exception(self.failure)
            self.opened.exception()  # who does not wait for the opening asks `failure`

    # asyncio's side -----------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask."""
        self._transport = cast(asyncio.Transport, transport)
        self._transport.write(self._head)

    def data_received(self, data: bytes) -> None:
        """The head of the answer, or what follows it."""
        if self.opened.done():
            self.take(data)
            return
        self._answer += data
        head, end, rest = self._answer.partition(b"\r\n\r\n")
        if not end:
            return
        if not head.startswith(self._good):
            self.fail(OSError(f"not the answer that is measured: {self._answer[:300]!r}"))
            return
        self.opened.set_result(None)
        if rest:
            self.take(rest)

    def connection_lost(self, exc: Exception | None) -> None:
        """It has ended."""
        self.fail(OSError(f"a connection ended: {exc!r}"))


S = TypeVar("S", bound=Stream)


async def open_all(make: Callable[[], S], count: int, host: str, port: int) -> list[S]:
    """Open so many.

    Raises:
        OSError, TimeoutError: one does not open.
    """
    loop = asyncio.get_running_loop()
    streams: list[S] = []
    async with asyncio.timeout(PATIENCE):
        while len(streams) < count:
            some = [make() for _ in range(min(AT_ONCE, count - len(streams)))]
            streams += some
            await asyncio.gather(
                *(loop.create_connection(_giving(each), host, port) for each in some)
            )
            await asyncio.gather(*(each.opened for each in some))
    return streams


def check(streams: Sequence[Stream]) -> None:
    """All of them are still there.

    Raises:
        OSError: one is not.
    """
    for stream in streams:
        if stream.failure is not None:
            raise stream.failure


def allow_files(count: int) -> None:
    """Let this process have so many connections and a few files more.

    Raises:
        OSError: the machine does not let it.
    """
    now, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    if most != resource.RLIM_INFINITY and most < count + 500:
        raise OSError(f"{count + 500} open files are needed, the hard limit is {most} (ulimit -n)")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(now, count + 500), most))


def _giving(stream: S) -> Callable[[], S]:
    return lambda: stream
