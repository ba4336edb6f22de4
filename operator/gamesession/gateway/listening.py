"""Ceasing to listen, so that no client finds out by a reset."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Callable

from aiohttp import web


async def cease_to_listen(
    runner: web.ServerRunner, protocol: Callable[[], asyncio.Protocol]
) -> None:
    """Refuse new connections. Those that the kernel has taken for us already, whose clients may
    have sent a request, are served: closing the socket would reset them.

    Args:
        protocol: makes the protocol of a connection.
    """
    # Second descriptors, which keep the sockets listening while nobody accepts any more.
    sockets = [
        socket.socket(fileno=os.dup(each.fileno()))
        for site in runner.sites
        for each in getattr(site._server, "sockets", ())
    ]
    for site in runner.sites:
        await site.stop()
    loop = asyncio.get_running_loop()
    for connection in [taken for each in sockets for taken in _waiting(each)]:
        await loop.connect_accepted_socket(protocol, connection)


def _waiting(listening: socket.socket) -> list[socket.socket]:
    """The connections that wait to be accepted; the socket is closed right after the last one."""
    found = []
    with listening:
        listening.setblocking(False)
        while True:
            try:
                found.append(listening.accept()[0])
            except BlockingIOError:
                return found
            except ConnectionAbortedError:
                continue
