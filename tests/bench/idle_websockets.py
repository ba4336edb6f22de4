"""What an open WebSocket costs the gateway on which nothing is said but pings."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from functools import partial

import uvloop

from tests.bench.bare_proxy import be_bare_proxy
from tests.bench.figure import Figure, Promise
from tests.bench.gateway import be_gateway
from tests.bench.pod import ECHO, be_pod
from tests.bench.role import Player, Role, playing
from tests.bench.stack import Stack
from tests.bench.stream import WEBSOCKET, Stream, allow_files, check, open_all
from tests.handlers.gateway.stage import bearer

NAME = "idle-websockets"
SUMMARY = (
    "5,000 WebSockets on which nothing is said but pings: memory of the gateway and (floor) of a "
    "bare aiohttp proxy; processes on loopback, no cluster, about a minute."
)
SOCKETS = 5_000
FEW = 50
"""Are opened first, and closed: what the first ones cost is no cost of each."""
PING_SECONDS = 5.0
PINGS = 2
PATIENCE = 60.0
PROMISED = Promise(60.0)
"""KiB of each."""

PING = b"\x89\x00"
PONG = b"\x8a\x80" + bytes(4)


class Pinged(Stream):
    """A WebSocket that answers pings, and expects nothing else.

    Attributes:
        pings: how many there were.
    """

    pings = 0

    def take(self, data: bytes) -> None:
        """A ping, or a few."""
        if data.strip(PING):
            self.fail(OSError(f"not a ping: {data[:100]!r}"))
            return
        self.pings += len(data) // len(PING)
        self.send(PONG)


def measure(stack: Stack) -> list[Figure]:
    """The gateway, then the bare proxy, which sends no pings."""
    allow_files(SOCKETS)
    gateway = partial(be_gateway, files=2 * SOCKETS, websocket_ping=timedelta(seconds=PING_SECONDS))
    measured = memory_of_each(gateway, pings=PINGS)
    floor = memory_of_each(partial(be_bare_proxy, files=2 * SOCKETS), pings=0)
    return [Figure("memory of an idle WebSocket", measured, floor, PROMISED, "KiB")]


def memory_of_each(role: Role, *, pings: int) -> float:
    """KiB of the resident set of who carries them, for each, when all have been pinged so often."""
    with playing(partial(be_pod, files=SOCKETS)), playing(role) as player:
        return uvloop.run(_memory_of_each(player, pings))


async def _memory_of_each(player: Player, pings: int) -> float:
    for socket in await _open(player, FEW):
        socket.close()
    before = player.memory()
    sockets = await _open(player, SOCKETS)
    async with asyncio.timeout(PATIENCE):
        while min(socket.pings for socket in sockets) < pings:
            check(sockets)
            await asyncio.sleep(0.1)
    check(sockets)
    after = player.memory()
    for socket in sockets:
        socket.close()
    return (after - before) * 1024 / SOCKETS


async def _open(player: Player, count: int) -> list[Pinged]:
    headers = {**bearer(), **WEBSOCKET}
    return await open_all(
        lambda: Pinged(ECHO, headers, status=101), count, "127.0.0.1", player.port
    )
