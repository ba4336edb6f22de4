"""Load: so many connections, each of which asks again as soon as it is answered.

A protocol of our own, for a library's client would cost more than what is measured: an answer is
whole when the body that is expected stands at its end, and nothing else of it is read.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from time import perf_counter
from typing import cast

from tests.bench.times import Times

WARM_UP_SECONDS = 0.3
GOOD = b"HTTP/1.1 200 "
LONGEST_HEAD = 8192
PATIENCE = 10.0


@dataclass(frozen=True)
class Question:
    """What is asked, and the body that answers it."""

    host: str
    port: int
    path: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def raw(self) -> bytes:
        """The GET as it is sent."""
        lines = [f"GET {self.path} HTTP/1.1", f"Host: {self.host}:{self.port}", "Accept: */*"]
        lines += [f"{name}: {value}" for name, value in self.headers.items()]
        return "\r\n".join([*lines, "", ""]).encode()


@dataclass(frozen=True)
class Rate:
    """What came of it.

    Attributes:
        seconds: how long it went on.
        times: of each request that was answered in them.
        answered: how many were answered at all, those to warm up among them.
    """

    seconds: float
    times: Times
    answered: int

    @property
    def per_second(self) -> float:
        """Requests that were answered in a second."""
        return len(self.times) / self.seconds


async def load(question: Question, connections: int, seconds: float) -> Rate:
    """Ask on so many connections for so long, after a little to warm up.

    Raises:
        OSError: a question was not answered, or otherwise than expected.
    """
    loop = asyncio.get_running_loop()
    askers = [Asker(question, loop.create_future()) for _ in range(connections)]
    try:
        for asker in askers:
            await loop.create_connection(partial(_itself, asker), question.host, question.port)
        await ended(askers, WARM_UP_SECONDS)
        warm, began = [len(asker.times) for asker in askers], perf_counter()
        await ended(askers, seconds)
        times = [asker.times[count:] for asker, count in zip(askers, warm, strict=True)]
        took = perf_counter() - began
        for asker in askers:
            asker.stop()
        await ended(askers, PATIENCE)
    finally:
        for asker in askers:
            asker.hang_up()
    if not all(times):
        raise OSError(f"a connection got no answer in {seconds} s")
    answered = sum(len(asker.times) for asker in askers)
    return Rate(took, Times(time for each in times for time in each), answered)


def _itself(asker: Asker) -> Asker:
    return asker


async def ended(askers: Sequence[Asker], seconds: float) -> None:
    """Wait until all have ended, but no longer than so many seconds.

    Raises:
        OSError: one got something else than an answer.
    """
    ends = [asker.end for asker in askers]
    await asyncio.wait(ends, timeout=seconds, return_when=asyncio.FIRST_EXCEPTION)
    for end in ends:
        if end.done():
            end.result()


class Asker(asyncio.Protocol):
    """One connection.

    Args:
        end: done when it has stopped, or got something else than an answer.

    Attributes:
        times: seconds from each question to the end of its answer.
    """

    def __init__(self, question: Question, end: asyncio.Future[None]) -> None:
        self._raw = question.raw
        self._body = question.body
        self._answer = b""
        self._sent = 0.0
        self._stopping = False
        self._transport: asyncio.Transport | None = None
        self.end = end
        self.times: list[float] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Ask for the first time."""
        self._transport = cast(asyncio.Transport, transport)
        self._ask()

    def data_received(self, data: bytes) -> None:
        """Some of the answer; when it is whole, ask again."""
        answer = self._answer + data if self._answer else data
        if not answer.startswith(GOOD[: len(answer)]):
            self._fail(answer)
        elif answer.endswith(self._body) and len(answer) > len(GOOD):
            self.times.append(perf_counter() - self._sent)
            self._ask()
        elif len(answer) > LONGEST_HEAD + len(self._body):
            self._fail(answer)
        else:
            self._answer = answer

    def connection_lost(self, exc: Exception | None) -> None:
        """The other side hung up, or we did."""
        self._fail(self._answer)

    def stop(self) -> None:
        """Ask no more, once the answer that is awaited is there."""
        self._stopping = True

    def hang_up(self) -> None:
        """Close the connection."""
        if not self.end.done():
            self.end.cancel()
        if self._transport is not None:
            self._transport.abort()

    def _ask(self) -> None:
        if self._transport is None:
            return
        if self._stopping:
            self.end.set_result(None)
            return
        self._answer = b""
        self._sent = perf_counter()
        self._transport.write(self._raw)

    def _fail(self, answer: bytes) -> None:
        if not self.end.done():
            self.end.set_exception(OSError(f"not the answer that is measured: {answer[:300]!r}"))
