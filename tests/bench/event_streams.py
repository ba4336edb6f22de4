"""How late the events of many streams are that go through the gateway."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from functools import partial

import uvloop

from tests.bench.figure import Figure, Promise
from tests.bench.gateway import be_gateway
from tests.bench.pod import EVENTS, IP, be_pod
from tests.bench.role import Player, playing
from tests.bench.stack import Stack
from tests.bench.stream import Stream, allow_files, check, open_all
from tests.bench.times import Times
from tests.handlers.gateway.stage import bearer

NAME = "event-streams"
SUMMARY = (
    "1,000 streams of server-sent events, one event a second each: from the pod's sending to the "
    "client, through the gateway and (floor) directly; on loopback, no cluster, about a minute."
)
STREAMS = 1_000
SECONDS = 15.0
EVENTS_EXPECTED = 0.9
"""The part of those that are due in that time which must have come, or it was not measured."""
PROMISED = Promise(20.0)
FIELD, END = b"data: ", b"\n\n"


class Listener(Stream):
    """A stream of events that say when they were sent.

    Attributes:
        late: seconds after that at which each came.
    """

    def __init__(self, path: str) -> None:
        super().__init__(path, {**bearer(), "Accept": "text/event-stream"})
        self._rest = b""
        self.late: list[float] = []

    def take(self, data: bytes) -> None:
        """Some of an event, or a few."""
        now = time.monotonic()
        *events, self._rest = (self._rest + data).split(END)
        # The lengths of chunks stand between them.
        self.late += [now - float(each.partition(FIELD)[2]) for each in events]


def measure(stack: Stack) -> list[Figure]:
    """Directly, then through the gateway."""
    allow_files(STREAMS)
    with (
        playing(partial(be_pod, files=2 * STREAMS)) as pod,
        playing(partial(be_gateway, files=2 * STREAMS)) as gateway,
    ):
        floor = uvloop.run(lateness(IP, pod))
        cpu = gateway.cpu()
        measured = uvloop.run(lateness("127.0.0.1", gateway))
        cpu = (gateway.cpu() - cpu) / len(measured)
    return [
        Figure("event, late by, p50", measured.percentile(50), floor.percentile(50)),
        Figure("event, late by, p99", measured.percentile(99), floor.percentile(99), PROMISED),
        Figure("event, late by, max", measured.longest, floor.longest),
        Figure("CPU an event, opening among it", cpu * 1000),
    ]


async def lateness(host: str, player: Player) -> Times:
    """Of all events of a while that begins when all streams are open.

    Raises:
        OSError: streams ended, or events stayed away.
    """
    phases = _evenly(STREAMS)
    streams = await open_all(
        lambda: Listener(f"{EVENTS}?after={next(phases):.6f}"), STREAMS, host, player.port
    )
    try:
        for stream in streams:
            stream.late.clear()
        await asyncio.sleep(SECONDS)
        check(streams)
    finally:
        for stream in streams:
            stream.close()
    late = [each for stream in streams for each in stream.late]
    if len(late) < STREAMS * SECONDS * EVENTS_EXPECTED:
        raise OSError(f"only {len(late)} events in {SECONDS} s of {STREAMS} streams")
    return Times(late)


def _evenly(count: int) -> Iterator[float]:
    """Moments of a second for each of so many.

    They say when the first event comes after the stream is opened; streams are opened one shortly
    after the other, which shifts them all, and spreads them no worse.
    """
    return (number / count for number in range(count))
