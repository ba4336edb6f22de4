"""One direction of a WebSocket: bytes from one connection to the other, no faster than it takes
them, and frames of our own between them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from aiohttp.base_protocol import BaseProtocol

from gamesession.gateway.frames import Frames


class Flow:
    """What `source` says, written to `sink`. It is what aiohttp calls a parser.

    Args:
        on_data: called when frames of messages have begun.
        on_end: called when the source says nothing more, and when it has said Close.

    Attributes:
        heard: whether the source said anything since this was last set to `False`.
        ended: whether it has closed its connection.
    """

    def __init__(
        self,
        source: BaseProtocol,
        sink: BaseProtocol,
        *,
        on_data: Callable[[], None],
        on_end: Callable[[], None],
    ) -> None:
        self._source = source
        self._sink = sink
        self._on_data = on_data
        self._on_end = on_end
        self._ours: list[bytes] = []
        self._last = False
        self._waiting: asyncio.Task[None] | None = None
        self.frames = Frames()
        self.heard = False
        self.ended = False

    def say(self, frame: bytes, *, last: bool = False) -> None:
        """Say something of our own, as soon as the frame that is under way has ended.

        Args:
            last: nothing that the source says is passed on after it.
        """
        self._last = self._last or last
        if self.frames.between:
            self._write(frame)
        else:
            self._ours.append(frame)

    def cancel(self) -> None:
        """Pass on nothing more, and read no more."""
        self.ended = True
        if self._waiting:
            self._waiting.cancel()

    # aiohttp's side -----------------------------------------------------------------------------

    def feed_data(self, chunk: bytes) -> tuple[bool, bytes]:
        """The source said something."""
        if self.ended:
            return False, b""
        self.heard = True
        data, closed = self.frames.data, self.frames.closed
        self._pass_on(chunk)
        if self.frames.data != data:
            self._on_data()
        if self.frames.closed and not closed:
            self._on_end()
        return False, b""

    def feed_eof(self) -> None:
        """The source's connection is gone."""
        if not self.ended:
            self.ended = True
            self._on_end()

    def _pass_on(self, chunk: bytes) -> None:
        over = self._last and self.frames.between  # our last word has been said
        end = self.frames.feed(chunk)
        if over:
            return
        if self._ours and end >= 0:
            rest = b"" if self._last else chunk[end:]
            chunk = chunk[:end] + b"".join(self._ours) + rest
            self._ours.clear()
        self._write(chunk)

    def _write(self, data: bytes) -> None:
        transport = self._sink.transport
        if transport is None or transport.is_closing():
            return
        transport.write(data)
        if self._sink.writing_paused and self._waiting is None:
            self._source.pause_reading()
            self._waiting = asyncio.create_task(self._go_on())

    async def _go_on(self) -> None:
        """Read on once the sink has taken what it has."""
        try:
            await self._sink._drain_helper()
        except (ConnectionError, OSError):
            return
        self._waiting = None
        self._source.resume_reading()
