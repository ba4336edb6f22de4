"""A pod's answer on its way to the client: its head at once, its body as it comes, whole or broken
off for the client to see."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Callable
from typing import Final

import aiohttp
import structlog
from aiohttp import HttpVersion11, hdrs, web
from aiohttp.client_proto import ResponseHandler
from multidict import CIMultiDict

from gamesession.api.errors import UpstreamUnreachable

log = structlog.get_logger(__name__)

RESET: Final = struct.pack("ii", 1, 0)


class Relay(web.StreamResponse):
    """An answer that says what the pod said, and nothing of aiohttp's own."""

    # The head waits for what of the body came with it: one write for both.
    _send_headers_immediately = False

    async def _prepare_headers(self) -> None:
        silent = [name for name in (hdrs.CONTENT_TYPE, hdrs.SERVER) if name not in self.headers]
        await super()._prepare_headers()
        for name in silent:
            self.headers.pop(name, None)


async def relay(
    request: web.BaseRequest,
    answer: aiohttp.ClientResponse,
    headers: CIMultiDict[str],
    *,
    idle: float,
    on_data: Callable[[], None],
) -> web.StreamResponse:
    """Pass a pod's answer on to the client.

    Args:
        answer: with its head read.
        headers: what goes to the client.
        idle: seconds that the client may take no bytes for.
        on_data: called when some of it goes by.

    Raises:
        UpstreamUnreachable: the pod broke off before anything was passed on, or its head holds
            what cannot be passed on (aiohttp reads control characters, but does not write them).
    """
    out = Relay(status=answer.status, reason=answer.reason, headers=headers)
    if request.version < HttpVersion11 and hdrs.CONTENT_LENGTH not in headers:
        out.force_close()  # its end is the end of the connection
    protocol = answer.connection.protocol if answer.connection is not None else None
    try:
        first = answer.content.read_nowait()
        await out.prepare(request)
    except (aiohttp.ClientError, ValueError) as error:
        raise UpstreamUnreachable("The session's pod did not answer in HTTP.") from error
    try:
        if not answer.content.at_eof():
            _watch(protocol, answer.content)
            await _write(out, first, idle)
            while first := await answer.content.readany():
                on_data()
                await _write(out, first, idle)
        if protocol is not None and isinstance(protocol.exception(), aiohttp.ClientOSError):
            # Without a length, aiohttp takes a reset for the end.
            raise aiohttp.ClientPayloadError("the pod's connection was reset")
        async with asyncio.timeout(idle):
            await out.write_eof(first)
    except Exception as error:
        log.debug("answer broken off", error=repr(error))
        break_off(request)
    return out


async def _write(out: Relay, data: bytes, idle: float) -> None:
    async with asyncio.timeout(idle):
        await out.write(data)


def _watch(protocol: ResponseHandler | None, content: aiohttp.StreamReader) -> None:
    """Have the reader of an answer know when its connection is gone.

    aiohttp leaves it waiting for ever, past all time limits, after a malformed chunk.
    """

    def closed(_: object) -> None:
        if not content.is_eof() and content.exception() is None:
            content.set_exception(aiohttp.ClientPayloadError("the answer is malformed"))

    if protocol is not None and (gone := protocol.closed) is not None:
        gone.add_done_callback(closed)


def break_off(request: web.BaseRequest) -> None:
    """End the client's connection so that nobody takes what was sent for the whole answer."""
    transport = request.transport
    if transport is None:
        return
    if request.version < HttpVersion11 and (sock := transport.get_extra_info("socket")):
        # There the end of the connection may be the end of the answer: reset it instead.
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
    transport.abort()
