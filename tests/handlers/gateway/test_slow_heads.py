"""Clients that take their time for the head of a request. (Slow bodies and slow readers:
`test_broken_pods.py`.)"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from gamesession.gateway import protocol
from tests.handlers.gateway.stage import Stage
from tests.handlers.gateway.wire import error_in, request

SECONDS = 0.5


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol, "HEAD_SECONDS", SECONDS)


class Client:
    """A connection to the gateway."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    async def drip(self, data: bytes) -> None:
        """Say a byte now and then, until nobody listens."""
        for byte in data:
            self.writer.write(bytes([byte]))
            await asyncio.sleep(SECONDS / 20)
            if self.reader.at_eof():
                return

    async def rest(self) -> bytes:
        """All that comes until the gateway hangs up."""
        return await asyncio.wait_for(self.reader.read(), 10)

    async def ask(self) -> bytes:
        """A whole request, and its answer."""
        self.writer.write(request())
        head = await asyncio.wait_for(self.reader.readuntil(b"\r\n\r\n"), 10)
        length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
        return head + await self.reader.readexactly(length)


@pytest.fixture
async def client(stage: Stage) -> AsyncIterator[Client]:
    await stage.add_session()
    found = Client(*await asyncio.open_connection("127.0.0.1", stage.service.port))
    yield found
    found.writer.close()


async def test_one_that_never_ends_it_is_told_so(client: Client) -> None:
    client.writer.write(request()[:-2])
    assert error_in(await client.rest()) == (400, "bad_request")


async def test_one_that_says_a_byte_now_and_then_too(client: Client) -> None:
    dripping = asyncio.create_task(client.drip(request()))
    assert error_in(await client.rest()) == (400, "bad_request")
    await dripping


async def test_one_that_says_nothing_is_hung_up_on(client: Client) -> None:
    assert await client.rest() == b""


async def test_one_that_takes_its_time_for_a_later_request_is_told_so(client: Client) -> None:
    assert (await client.ask()).startswith(b"HTTP/1.1 200 ")
    client.writer.write(request()[:50])
    assert error_in(await client.rest()) == (400, "bad_request")


async def test_one_that_was_answered_may_be_silent_for_longer(stage: Stage, client: Client) -> None:
    """A connection is kept for its next request. An empty line is none (RFC 9112, 2.2)."""
    await client.ask()
    client.writer.write(b"\r\n")
    later = Client(*await asyncio.open_connection("127.0.0.1", stage.service.port))
    assert await later.rest() == b""
    assert (await client.ask()).startswith(b"HTTP/1.1 200 ")


async def test_a_body_may_take_longer_than_a_head(stage: Stage, client: Client) -> None:
    client.writer.write(request("Content-Length: 4", "Connection: close", method="POST"))
    await client.drip(b"a")
    later = Client(*await asyncio.open_connection("127.0.0.1", stage.service.port))
    assert await later.rest() == b""
    await client.drip(b"bcd")
    assert (await client.rest()).startswith(b"HTTP/1.1 200 ")
