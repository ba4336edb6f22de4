"""A WebSocket that says what it hears (RFC 6455), with no more than the standard library."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable
from typing import BinaryIO

KEY_SUFFIX = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
CLOSE, PING, PONG = 0x8, 0x9, 0xA
SPOKEN = "echo.v2"
"""The one subprotocol that is spoken here."""


def accept(key: str, offered: str) -> str:
    """The head of the answer to a handshake.

    Args:
        key: `Sec-WebSocket-Key`.
        offered: `Sec-WebSocket-Protocol`.
    """
    digest = base64.b64encode(hashlib.sha1((key + KEY_SUFFIX).encode()).digest()).decode()
    lines = [
        "HTTP/1.1 101 Switching Protocols",
        "Upgrade: websocket",
        "Connection: Upgrade",
        f"Sec-WebSocket-Accept: {digest}",
    ]
    if SPOKEN in [each.strip() for each in offered.split(",")]:
        lines.append(f"Sec-WebSocket-Protocol: {SPOKEN}")
    return "\r\n".join([*lines, "", ""])


def echo(heard: BinaryIO, say: Callable[[bytes], object]) -> None:
    """Say what is heard, frame by frame, until a Close, which is said, too."""
    while head := heard.read(2):
        length = head[1] & 0x7F
        if length > 125:
            length = int.from_bytes(heard.read(2 if length == 126 else 8), "big")
        mask = heard.read(4)
        payload = unmasked(heard.read(length), mask)
        opcode = head[0] & 0x0F
        first = head[0] & 0xF0 | PONG if opcode == PING else head[0]
        if opcode != PONG:
            say(bytes((first, *length_bytes(len(payload)))) + payload)
        if opcode == CLOSE:
            return


def unmasked(payload: bytes, mask: bytes) -> bytes:
    """What was meant."""
    pad = (mask * (len(payload) // 4 + 1))[: len(payload)]
    number = int.from_bytes(payload, "big") ^ int.from_bytes(pad, "big")
    return number.to_bytes(len(payload), "big")


def length_bytes(length: int) -> bytes:
    """A length as an unmasked frame has it."""
    if length < 126:
        return bytes((length,))
    if length < 2**16:
        return b"\x7e" + length.to_bytes(2, "big")
    return b"\x7f" + length.to_bytes(8, "big")
