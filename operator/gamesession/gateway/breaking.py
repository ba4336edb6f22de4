"""Breaking off an answer, for the client to see."""

from __future__ import annotations

import socket
import struct
from typing import Final

from aiohttp import HttpVersion11, web

RESET: Final = struct.pack("ii", 1, 0)


def break_off(request: web.BaseRequest) -> None:
    """End the client's connection so that nobody takes what was sent for the whole answer."""
    transport = request.transport
    if transport is None:
        return
    if request.version < HttpVersion11 and (sock := transport.get_extra_info("socket")):
        # There the end of the connection may be the end of the answer: reset it instead.
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
    transport.abort()
