"""Whether a client is still there while nobody reads what it sends.

A request that waits for its pod has its body left unread. Once our buffers are full, reading from
the connection is suspended, and nobody notices the client's going; so the kernel is asked. (It does
not know either as long as its own buffers are full, unless the client resets the connection.)
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from aiohttp import web

from gamesession.gateway.upstream import READ_BUFFER

EVERY: Final = 0.25
TCP_ESTABLISHED: Final = 1  # the first byte of `struct tcp_info`, tcp(7)


@asynccontextmanager
async def presence(request: web.BaseRequest) -> AsyncIterator[None]:
    """Cancel what is done within when the client goes."""
    length = request.content_length
    if not request.body_exists or (length is not None and length <= READ_BUFFER):
        yield  # all of it fits into the buffers, so the connection is read from
        return
    task = asyncio.current_task()
    assert task is not None
    watch = asyncio.create_task(_watch(request, task))
    try:
        yield
    finally:
        watch.cancel()


async def _watch(request: web.BaseRequest, task: asyncio.Task[object]) -> None:
    while _is_there(request.transport):  # noqa: ASYNC110 (the kernel wakes nobody)
        await asyncio.sleep(EVERY)
    task.cancel()


def _is_there(transport: asyncio.Transport | None) -> bool:
    if transport is None or transport.is_closing():
        return False
    sock = transport.get_extra_info("socket")
    try:
        return bool(sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0] == TCP_ESTABLISHED)
    except OSError:
        return False
