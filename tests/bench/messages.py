"""How many messages of WebSockets a gateway carries, beside a proxy that only carries, and the pod
alone."""

from __future__ import annotations

import asyncio
import struct
from dataclasses import dataclass
from statistics import median
from time import perf_counter

import uvloop

from tests.bench.bare_proxy import be_bare_proxy
from tests.bench.figure import Figure
from tests.bench.gateway import be_gateway
from tests.bench.pod import ECHO, IP, be_pod
from tests.bench.role import Player, playing
from tests.bench.stack import Stack
from tests.bench.stream import WEBSOCKET, Stream, check, open_all
from tests.handlers.gateway.stage import bearer

NAME = "messages"
SUMMARY = (
    "Messages of WebSockets that a pod echoes, through the gateway and (floor) through a bare "
    "aiohttp proxy; processes on loopback, no cluster, about a minute."
)
SIZES = {"125 B": 125, "16 KiB": 16 * 1024}
SOCKETS = 16
ROUNDS = 5
WARM_UP_SECONDS = 0.3
SECONDS = 2.0

BINARY = 0x82
MASKED = 0x80


@dataclass(frozen=True)
class Round:
    """One way, under load for a while.

    Attributes:
        per_second: messages that came back in a second.
        cpu: milliseconds of a core that who carries used for one of them, both ways.
    """

    per_second: float
    cpu: float


@dataclass(frozen=True)
class Way:
    """A way to the pod."""

    host: str
    player: Player

    def go(self, size: int) -> Round:
        """Put it under load."""
        return uvloop.run(self._go(size))

    async def _go(self, size: int) -> Round:
        path, headers = ECHO, {**bearer(), **WEBSOCKET}
        sockets = await open_all(
            lambda: Echoed(path, headers, size), SOCKETS, self.host, self.player.port
        )
        try:
            for socket in sockets:
                socket.begin()
            await asyncio.sleep(WARM_UP_SECONDS)
            cpu, before, began = self.player.cpu(), count_of(sockets), perf_counter()
            await asyncio.sleep(SECONDS)
            seconds, count = perf_counter() - began, count_of(sockets) - before
            cpu = self.player.cpu() - cpu
            check(sockets)
        finally:
            for socket in sockets:
                socket.close()
        if not count:
            raise OSError(f"no message came back in {SECONDS} s")
        return Round(count / seconds, cpu / count * 1000)


class Echoed(Stream):
    """A WebSocket that says the same again as soon as it has heard it.

    Attributes:
        count: how often it has heard it.
    """

    def __init__(self, path: str, headers: dict[str, str], size: int) -> None:
        super().__init__(path, headers, status=101)
        payload = bytes(byte % 251 for byte in range(size))
        # A mask of zeros leaves the payload as it is.
        self._said = frame_head(size, MASKED) + bytes(4) + payload
        self._expected = frame_head(size) + payload
        self._heard = b""
        self.count = 0

    def begin(self) -> None:
        """Say it for the first time."""
        self.send(self._said)

    def take(self, data: bytes) -> None:
        """Some of what the pod says."""
        self._heard = self._heard + data if self._heard else data
        if len(self._heard) < len(self._expected):
            return
        if self._heard != self._expected:
            self.fail(OSError("a message came back as another one"))
            return
        self._heard = b""
        self.count += 1
        self.send(self._said)


def frame_head(size: int, masked: int = 0) -> bytes:
    """The first bytes of a frame that is a whole binary message (RFC 6455, 5.2)."""
    if size < 126:
        return bytes((BINARY, masked | size))
    return struct.pack("!BBH", BINARY, masked | 126, size)


def count_of(sockets: list[Echoed]) -> int:
    """How many messages have come back."""
    return sum(socket.count for socket in sockets)


def measure(stack: Stack) -> list[Figure]:
    """Both sizes; the three ways take turns."""
    with (
        playing(be_pod) as pod,
        playing(be_bare_proxy) as bare,
        playing(be_gateway) as gateway,
    ):
        ways = Way("127.0.0.1", gateway), Way("127.0.0.1", bare), Way(IP, pod)
        found: list[Figure] = []
        for name, size in SIZES.items():
            turns = [[way.go(size) for way in ways] for _ in range(ROUNDS)]
            rates = [median(each.per_second for each in way) for way in zip(*turns, strict=True)]
            cpus = [median(each.cpu for each in way) for way in zip(*turns, strict=True)]
            found += [
                Figure(f"{name}: messages, {SOCKETS} sockets", rates[0], rates[1], unit="/s"),
                Figure(f"{name}: CPU a message", cpus[0], cpus[1]),
                Figure(f"{name}: messages, pod alone", rates[2], unit="/s"),
            ]
        return found
