"""Where the frames of a WebSocket begin and end (RFC 6455, 5.2): as much as one who passes them on
has to know. Payloads are not looked at, so messages of any size, compressed or not, go through as
they came."""

from __future__ import annotations

import os
import struct
from typing import Final

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0x0, 0x1, 0x2, 0x8, 0x9, 0xA
_DATA: Final = frozenset({CONTINUATION, TEXT, BINARY})
_MASKED: Final = 0x80
_LENGTH_BYTES: Final = {126: 2, 127: 8}
MAX_REASON: Final = 123
"""Bytes that the reason of a Close may have (RFC 6455, 5.5)."""


class Frames:
    """The frames of one direction, as its bytes go by.

    Attributes:
        data: how many frames of messages have begun, control frames apart.
        closed: whether a Close has begun: after it nothing may be said.
    """

    __slots__ = ("_head", "_left", "closed", "data")

    def __init__(self) -> None:
        self._head = bytearray()
        self._left = 0
        self.data = 0
        self.closed = False

    @property
    def between(self) -> bool:
        """Whether what went by ends with a whole frame, so that another may follow."""
        return not self._left and not self._head

    def feed(self, chunk: bytes) -> int:
        """Take note of the next bytes; returns how many of them there are up to the end of the
        first frame that ends among them, -1 if none does."""
        at, first, size = 0, -1, len(chunk)
        while at < size:
            if self._left:
                step = min(self._left, size - at)
                self._left -= step
                at += step
                if not self._left and first < 0:
                    first = at
                continue
            step = self._missing_of_head()
            self._head += chunk[at : at + step]
            at += step
            if len(self._head) >= 2 and not self._missing_of_head():
                self._begin()
                if not self._left and first < 0:
                    first = at
        return first

    def _missing_of_head(self) -> int:
        head = self._head
        if len(head) < 2:
            return 2 - len(head)
        mask = 4 if head[1] & _MASKED else 0
        return 2 + _LENGTH_BYTES.get(head[1] & 0x7F, 0) + mask - len(head)

    def _begin(self) -> None:
        head = bytes(self._head)
        self._head.clear()
        opcode, length = head[0] & 0x0F, head[1] & 0x7F
        if size := _LENGTH_BYTES.get(length):
            length = int.from_bytes(head[2 : 2 + size], "big")
        self._left = length
        self.data += opcode in _DATA
        self.closed = self.closed or opcode == CLOSE


def ping() -> bytes:
    """A Ping to a client."""
    return bytes((0x80 | PING, 0))


def close(code: int, reason: str, *, masked: bool) -> bytes:
    """A Close.

    Args:
        code: why (RFC 6455, 7.4).
        reason: in words, cut off at what a Close can hold.
        masked: whether it goes to a server.
    """
    words = reason.encode()[:MAX_REASON].decode(errors="ignore").encode()
    payload = struct.pack("!H", code) + words
    head = bytes((0x80 | CLOSE, (_MASKED if masked else 0) | len(payload)))
    if not masked:
        return head + payload
    mask = os.urandom(4)
    return head + mask + bytes(byte ^ mask[at % 4] for at, byte in enumerate(payload))
