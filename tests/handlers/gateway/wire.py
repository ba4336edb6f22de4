"""Bytes to the gateway, and the bytes that its pod gets of them."""

from __future__ import annotations

import asyncio
import json

from tests.handlers.gateway.pods import RawPod
from tests.handlers.gateway.stage import Stage, bearer

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


class Listener(RawPod):
    """A pod that keeps the bytes that it gets, and answers each request in one way.

    Attributes:
        heard: all of them, of all connections.
        whole: the requests among them that came whole, heads and bodies.
    """

    def __init__(self, answer: bytes = ANSWER) -> None:
        super().__init__(self._listen)
        self.heard = bytearray()
        self.whole: list[tuple[bytes, bytes]] = []
        self._answer = answer

    async def _listen(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                self.heard += head
                body = await self._body(reader, head.lower())
                self.whole.append((head, body))
                writer.write(self._answer)
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    async def _body(self, reader: asyncio.StreamReader, head: bytes) -> bytes:
        if b"\r\ntransfer-encoding: chunked\r\n" in head:
            body = b""
            while size := int(await self._line(reader), 16):
                body += (await self._take(reader, size + 2))[:-2]
            assert await self._line(reader) == b"", "trailers go no further than the gateway"
            return body
        if b"\r\ncontent-length: " not in head:
            return b""
        length = head.split(b"\r\ncontent-length: ")[1].split(b"\r\n")[0]
        return await self._take(reader, int(length))

    async def _line(self, reader: asyncio.StreamReader) -> bytes:
        line = await reader.readuntil(b"\r\n")
        self.heard += line
        return line[:-2]

    async def _take(self, reader: asyncio.StreamReader, size: int) -> bytes:
        data = await reader.readexactly(size)
        self.heard += data
        return data


def request(
    *lines: str,
    method: str = "GET",
    target: str = "/api/chess/",
    version: str = "HTTP/1.1",
    host: str | None = "x",
    body: bytes = b"",
) -> bytes:
    """A request as bytes, in alice's name; `lines` are its further headers."""
    head = [f"{method} {target} {version}"]
    head += [] if host is None else [f"Host: {host}"]
    head += [f"Authorization: {bearer()['Authorization']}", *lines]
    return "\r\n".join([*head, "", ""]).encode("latin-1") + body


async def say(stage: Stage, *parts: bytes) -> bytes:
    """Send bytes, part by part; what came back until the gateway hung up."""
    reader, writer = await asyncio.open_connection("127.0.0.1", stage.service.port)
    for part in parts:
        writer.write(part)
        await asyncio.sleep(0.05)  # so that they arrive apart
    try:
        return await asyncio.wait_for(reader.read(), 10)
    finally:
        writer.close()


def error_in(answer: bytes) -> tuple[int, str]:
    """Status and code of an error that is the only answer."""
    head, _, body = answer.partition(b"\r\n\r\n")
    return int(head.split(b" ")[1]), str(json.loads(body)["error"]["code"])
