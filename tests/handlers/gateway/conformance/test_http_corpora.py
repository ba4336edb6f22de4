"""The requests and answers of other projects' test suites, through the gateway.

h11, which shares no code with what the gateway reads requests with, reads them too, and plays the
pod. What comes to the pod is what h11 read at the client, request by request, or does not come.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Iterable
from contextlib import suppress
from datetime import timedelta
from typing import Final

import h11
import pytest

from gamesession.gateway import protocol
from tests.handlers.gateway.conformance.specimens import Specimen, of_gunicorn, of_llhttp
from tests.handlers.gateway.conformance.verdicts import OF_OTHER_PROTOCOLS, is_meant
from tests.handlers.gateway.pods import RawPod
from tests.handlers.gateway.stage import Stage, bearer
from tests.handlers.gateway.wire import request

AUTHORIZATION: Final = f"Authorization: {bearer()['Authorization']}\r\n".encode()
LAST: Final = request("Connection: close", target="/api/chess/last")
ROOM: Final = 2**20
"""Bytes of a head that h11 takes: no specimen has as many."""

Reading = tuple[bytes, bytes, bytes]
"""A request: method, target, body."""


class Reader:
    """Reads requests, with h11.

    Attributes:
        found: those that came whole.
        fault: why it reads no more, if it does not.
    """

    def __init__(self) -> None:
        self._connection = h11.Connection(h11.SERVER, max_incomplete_event_size=ROOM)
        self._head: h11.Request | None = None
        self._body = b""
        self.found: list[Reading] = []
        self.fault = ""

    def feed(self, data: bytes) -> None:
        """Read on."""
        try:
            self._connection.receive_data(data)
            while not self.fault and self._next():
                pass
        except h11.RemoteProtocolError as error:
            self.fault = str(error)

    def _next(self) -> bool:
        event = self._connection.next_event()
        match event:
            case h11.Request():
                self._head, self._body = event, b""
            case h11.Data():
                self._body += event.data
            case h11.EndOfMessage():
                assert self._head is not None
                self.found.append((self._head.method, self._head.target, self._body))
                self._answer()
            case _:
                return False
        return True

    def _answer(self) -> None:
        """As if: h11 reads the next request when this one is answered (200 would be an upgrade)."""
        self._connection.send(h11.Response(status_code=404, headers=[("Content-Length", "0")]))
        self._connection.send(h11.EndOfMessage())
        if self._connection.states[h11.CLIENT] is h11.DONE:
            self._connection.start_next_cycle()
        else:
            self.fault = "the connection ends here"


class StrictPod(RawPod):
    """A pod that reads with h11, and numbers its answers.

    Attributes:
        asked: what it was asked.
        faults: what it could not read.
    """

    def __init__(self) -> None:
        super().__init__(self._serve)
        self.asked: list[Reading] = []
        self.faults: list[str] = []

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        told = Reader()
        while data := await reader.read(65536):
            told.feed(data)
            for found in told.found:
                self.asked.append(found)
                writer.write(
                    b"HTTP/1.1 200 OK\r\nX-Number: %d\r\nContent-Length: 0\r\n\r\n"
                    % len(self.asked)
                )
            told.found.clear()
            if told.fault:
                self.faults.append(f"{told.fault}: {data[:200]!r}")
                break
        writer.close()


class Parrot(RawPod):
    """A pod that always says the same, and hangs up.

    Attributes:
        answer: what it says.
    """

    def __init__(self) -> None:
        super().__init__(self._say)
        self.answer = b""

    async def _say(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(asyncio.IncompleteReadError):  # who only looks whether it is there
            await reader.readuntil(b"\r\n\r\n")
            writer.write(self.answer)
        writer.close()


@pytest.fixture
async def stage(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Stage]:
    """A gateway that does not wait long for what does not come."""
    monkeypatch.setattr(protocol, "HEAD_SECONDS", 0.5)
    async with Stage(idle_stream_timeout=timedelta(seconds=0.5)) as found:
        await found.add_game()
        yield found


AT_ONCE: Final = pytest.mark.parametrize("at_once", [True, False], ids=["at once", "apart"])


@AT_ONCE
async def test_gunicorns_requests(stage: Stage, at_once: bool) -> None:
    assert await complaints(stage, of_gunicorn(), at_once=at_once) == {}


@AT_ONCE
async def test_llhttps_requests(stage: Stage, at_once: bool) -> None:
    assert await complaints(stage, of_llhttp("request"), at_once=at_once) == {}


async def test_llhttps_answers(stage: Stage) -> None:
    """What a pod answers is what the client gets, or `upstream_unreachable`, or half of it."""
    found = {}
    pod = Parrot()
    await stage.add_session(pod=pod)
    for specimen in of_llhttp("response"):
        pod.answer = specimen.data
        answers = await tell(stage, LAST)
        if wrong := heard(specimen, answers):
            found[specimen.name] = [repr(specimen.data), repr(answers), wrong]
    assert found == {}


async def complaints(
    stage: Stage, specimens: Iterable[Specimen], *, at_once: bool
) -> dict[str, list[str]]:
    """What is wrong with what comes of each.

    Args:
        at_once: whether a last request stands right behind it, or comes when it is answered.
    """
    pod, found = StrictPod(), {}
    await stage.add_session(pod=pod)
    for specimen in specimens:
        pod.asked.clear()
        data = dressed(specimen.data)
        answers = await tell(stage, *([data + LAST] if at_once else [data, LAST]))
        wrong = judge(data + LAST, answers, pod, same=specimen.name not in OF_OTHER_PROTOCOLS)
        if not at_once:
            wrong += verdict(specimen, pod)
        if wrong:
            found[specimen.name] = [repr(data), *wrong]
    return found


def judge(data: bytes, answers: bytes, pod: StrictPod, *, same: bool) -> list[str]:
    """What does not fit together: what was sent, what the pod was asked, what came back.

    Args:
        same: whether h11 reads it too.
    """
    told, wrong = Reader(), list(pod.faults)
    pod.faults.clear()
    told.feed(data.lstrip(b"\r\n"))  # (RFC 9112, 2.2; h11 does not take it)
    expected = iter([(method, of_origin(target), body) for method, target, body in told.found])
    if same and not all(asked in expected for asked in pod.asked):
        wrong.append(f"the pod was asked {pod.asked}, h11 reads {told.found} ({told.fault})")
    numbers = [int(number) for number in re.findall(rb"\r\nX-Number: (\d+)\r\n", answers)]
    if numbers != list(range(1, len(pod.asked) + 1)):
        wrong.append(f"the pod was asked {len(pod.asked)} times, the client got answers {numbers}")
    statuses = {int(status) for status in re.findall(rb"HTTP/1\.[01] (\d+) ", answers)}
    if not statuses or not statuses <= {200, 400, 401, 404, 405, 431}:
        wrong.append(f"the client got {sorted(statuses)}")
    return wrong


def heard(specimen: Specimen, answers: bytes) -> str:
    """What is wrong with what a client hears of a pod's answer: h11 must be able to read it."""
    client = h11.Connection(h11.CLIENT, max_incomplete_event_size=ROOM)
    client.send(h11.Request(method="GET", target="/", headers=[("Host", "x")]))
    client.send(h11.EndOfMessage())
    statuses = []
    try:
        client.receive_data(answers)
        client.receive_data(b"")
        while (event := client.next_event()) not in (h11.NEED_DATA, h11.PAUSED):
            if isinstance(event, h11.Response):
                statuses.append(event.status_code)
            if isinstance(event, h11.ConnectionClosed):
                break
    except h11.RemoteProtocolError as error:
        broken_off = "closed connection without" in str(error) or "peer closed" in str(error)
        if not broken_off or not statuses:
            return str(error)
    return "" if len(statuses) == 1 else f"statuses {statuses}"


def verdict(specimen: Specimen, pod: StrictPod) -> list[str]:
    """Whether the gateway makes of a specimen what its corpus says, or else what is meant."""
    good = specimen.good
    if good is None:
        return []
    taken = any(target != b"/api/chess/last" for _, target, _ in pod.asked)
    if is_meant(specimen.name, good=good):
        return ["it is not as meant"] if good == taken else []
    return [] if good == taken else [f"good: {good}, taken: {taken}"]


def dressed(data: bytes) -> bytes:
    """The specimen as a request of alice's to her session, where it has a first line."""
    lead, line, end, rest = _LINES.fullmatch(data).groups()  # type: ignore[union-attr]
    line = re.sub(rb"^([A-Za-z-]+ +(?:https?://[^/ ?]*)?)/", rb"\1/api/chess/", line)
    host = b"" if re.search(rb"(?im)^host *:", rest) else b"Host: x\r\n"
    return bytes(lead + line + end + (host + AUTHORIZATION + rest if end else b""))


_LINES: Final = re.compile(rb"((?:\r\n)*)(.*?)(\r\n|$)(.*)", re.DOTALL)


def of_origin(target: bytes) -> bytes:
    """A target in origin-form."""
    return re.sub(rb"^(?i:https?)://[^/]*", b"", target)


async def tell(stage: Stage, *parts: bytes) -> bytes:
    """Send bytes, part by part, each when that before is answered; what came back until the
    gateway hung up."""
    reader, writer = await asyncio.open_connection("127.0.0.1", stage.service.port)
    answers = b""
    try:
        async with asyncio.timeout(30):
            for part in parts:
                writer.write(part)
                answers += await reader.read(65536)
            while more := await reader.read(65536):
                answers += more
    except ConnectionError:
        pass
    writer.close()
    return answers
