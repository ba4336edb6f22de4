"""A pod's answer on its way to the client: its head at once, its body as it comes, whole or broken
off for the client to see."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from typing import Final

import aiohttp
import structlog
from aiohttp import HttpVersion11, hdrs, web
from aiohttp.client_proto import ResponseHandler
from multidict import CIMultiDict

from gamesession.api.errors import UpstreamUnreachable
from gamesession.gateway.breaking import break_off
from gamesession.gateway.drain import Drain
from gamesession.gateway.metrics import OPEN_STREAMS

log = structlog.get_logger(__name__)

EVENTS: Final = "text/event-stream"

AT_ONCE: Final = 2**14
"""Bytes that an empty buffer surely takes: a quarter of what event loops let it hold before they
have writers wait."""


class StreamEnded(Exception):
    """A stream of events ends because this gateway does."""


class Relay(web.StreamResponse):
    """An answer that says what the pod said, and nothing of aiohttp's own."""

    # The head waits for what of the body came with it: one write for both.
    _send_headers_immediately = False

    async def _prepare_headers(self) -> None:
        if not self._is_plain():
            await self._prepare_with_care()
            return
        self._keep_alive = True
        if self._payload_writer is not None:
            self._payload_writer.length = self.content_length

    def _is_plain(self) -> bool:
        """Whether there is nothing to add to the head, and nothing to take from it."""
        request, headers = self._req, self._headers
        return (
            hdrs.CONTENT_LENGTH in headers
            and hdrs.DATE in headers
            and not self._must_be_empty_body
            and self._keep_alive is None
            and request is not None
            and request.version == HttpVersion11
            and request.keep_alive
        )

    async def _prepare_with_care(self) -> None:
        silent = [name for name in (hdrs.CONTENT_TYPE, hdrs.SERVER) if name not in self.headers]
        await super()._prepare_headers()
        for name in silent:
            self.headers.pop(name, None)


async def relay(
    request: web.BaseRequest,
    answer: aiohttp.ClientResponse,
    headers: CIMultiDict[str],
    *,
    game: str,
    idle: float,
    on_data: Callable[[], None],
    drain: Drain,
) -> web.StreamResponse:
    """Pass a pod's answer on to the client.

    Args:
        answer: with its head read.
        headers: what goes to the client.
        game: the Game's name.
        idle: seconds that the client may take no bytes for.
        on_data: called when some of it goes by.
        drain: ends a stream of events, whole, when this gateway leaves.

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
            first = b""
            with _streaming(answer, game, drain), suppress(StreamEnded):
                while chunk := await answer.content.readany():
                    on_data()
                    await _write(out, chunk, idle)
        if protocol is not None and isinstance(protocol.exception(), aiohttp.ClientOSError):
            # Without a length, aiohttp takes a reset for the end.
            raise aiohttp.ClientPayloadError("the pod's connection was reset")
        if _takes_at_once(request, headers, first):
            await out.write_eof(first)
        else:
            async with asyncio.timeout(idle):
                await out.write_eof(first)
    except Exception as error:
        log.debug("answer broken off", error=repr(error))
        break_off(request)
    return out


def _takes_at_once(request: web.BaseRequest, headers: CIMultiDict[str], data: bytes) -> bool:
    """Whether the connection has room for an answer's head and data: nobody waits for the client
    then, and no time limit is needed, which would cost more than the writing."""
    transport = request.transport
    if transport is None or transport.get_write_buffer_size():
        return False
    return len(data) + sum(map(len, headers)) + sum(map(len, headers.values())) < AT_ONCE


@contextmanager
def _streaming(answer: aiohttp.ClientResponse, game: str, drain: Drain) -> Iterator[None]:
    """Events have no end of their own; who listens to them connects again, to another replica. Of
    anything else, an end of ours would be taken for its own."""
    if answer.content_type != EVENTS or hdrs.CONTENT_LENGTH in answer.headers:
        yield
        return
    end = partial(answer.content.set_exception, StreamEnded())
    with OPEN_STREAMS.labels(game).track_inprogress(), drain.ending(end):
        yield


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
