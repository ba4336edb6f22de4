"""Bodies far larger than the gateway's memory may become."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from time import perf_counter

from tests.bench.bare_proxy import be_bare_proxy
from tests.bench.figure import Figure, Promise
from tests.bench.gateway import be_gateway
from tests.bench.pod import BULK, be_pod
from tests.bench.role import Player, playing
from tests.bench.stack import Stack
from tests.handlers.gateway.stage import bearer

NAME = "bulk"
SUMMARY = (
    "An upload and a download of 2 GiB: what is added to the memory of the gateway and (floor) of "
    "a bare aiohttp proxy, and the throughput; processes on loopback, no cluster."
)
SIZE = 2 * 2**30
CHUNK = 2**18
LOOK_EVERY = 8 * 2**20
"""Bytes after which the memory is looked at."""
PATIENCE = 60.0
PROMISED = Promise(64.0)
"""MiB more than before, at any time."""

Way = Callable[[int, int], Iterator[int]]
"""Transfers so many bytes with who listens at a port; yields how many went by."""


@dataclass(frozen=True)
class Transfer:
    """What came of one.

    Attributes:
        growth: MiB of memory above what was there before, at most.
        rate: MiB a second.
    """

    growth: float
    rate: float


def measure(stack: Stack) -> list[Figure]:
    """Both directions, each through both."""
    with (
        playing(be_pod),
        playing(partial(be_gateway, max_body_bytes=SIZE)) as gateway,
        playing(be_bare_proxy) as bare,
    ):
        found: list[Figure] = []
        for name, way in {"upload": upload, "download": download}.items():
            measured, floor = transfer(way, gateway), transfer(way, bare)
            found += [
                Figure(f"{name}: memory", measured.growth, floor.growth, PROMISED, "MiB"),
                Figure(f"{name}: throughput", measured.rate, floor.rate, unit="MiB/s"),
            ]
        return found


def transfer(way: Way, player: Player) -> Transfer:
    """Transfer all of it, and look at the memory all the while."""
    before = most = player.memory()
    began, looked = perf_counter(), 0
    for done in way(player.port, SIZE):
        if done - looked >= LOOK_EVERY:
            most, looked = max(most, player.memory()), done
    return Transfer(max(most, player.memory()) - before, SIZE / 2**20 / (perf_counter() - began))


def upload(port: int, size: int) -> Iterator[int]:
    """The pod says how much it got.

    Raises:
        OSError: not all.
    """
    chunk = bytes(CHUNK)
    with _asking("POST", port, BULK, f"Content-Length: {size}") as connection:
        for done in range(0, size, CHUNK):
            connection.sendall(chunk[: size - done])
            yield done
        head, body = _head_of(connection)
        while not body:
            body = _some_of(connection)
        if body != b"%d" % size:
            raise OSError(f"of {size} bytes the pod got {body!r}: {head!r}")


def download(port: int, size: int) -> Iterator[int]:
    """The pod sends as much as it is asked for.

    Raises:
        OSError: it did not come.
    """
    with _asking("GET", port, f"{BULK}?size={size}") as connection:
        _, body = _head_of(connection)
        done, buffer = len(body), bytearray(CHUNK)
        while done < size:
            if not (count := connection.recv_into(buffer)):
                raise OSError(f"of {size} bytes {done} came")
            done += count
            yield done


def _asking(method: str, port: int, path: str, *headers: str) -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", port), PATIENCE)
    lines = [f"{method} {path} HTTP/1.1", "Host: bench", *headers]
    lines += [f"{name}: {value}" for name, value in bearer().items()]
    connection.sendall("\r\n".join([*lines, "", ""]).encode())
    return connection


def _head_of(connection: socket.socket) -> tuple[bytes, bytes]:
    answer = b""
    while b"\r\n\r\n" not in answer:
        answer += _some_of(connection)
    head, _, body = answer.partition(b"\r\n\r\n")
    if not head.startswith(b"HTTP/1.1 200 "):
        raise OSError(f"not the answer that is measured: {answer[:300]!r}")
    return head, body


def _some_of(connection: socket.socket) -> bytes:
    if not (some := connection.recv(CHUNK)):
        raise OSError("the connection ended in an answer")
    return some
