"""Requests without a body, to one port of a pod, over the connections of its pool.

`ClientSession.request` does the same, and much that such a request has no use for: redirects,
cookies, proxies, credentials, default headers, a copy or two of all headers. That costs more than
all else that the gateway does for a request. So here the head is written as it is to go on, and
what is left to aiohttp is connections, reading, and the answer.
"""

from __future__ import annotations

import asyncio
from functools import cached_property
from typing import Final

import aiohttp
from aiohttp import hdrs
from aiohttp.client_proto import ResponseHandler
from aiohttp.client_reqrep import ConnectionKey
from aiohttp.connector import Connection
from aiohttp.helpers import TimerNoop
from aiohttp.http import StreamWriter
from multidict import CIMultiDict
from yarl import URL

METHODS: Final = frozenset({hdrs.METH_GET, hdrs.METH_HEAD, hdrs.METH_OPTIONS})
"""Those that need no `Content-Length: 0` to say that they have no body. All are idempotent."""

SWITCHING: Final = 101
_NO_TIMER: Final = TimerNoop()


class Peer:
    """One port of a pod.

    Args:
        pool: the pod's connections.
        url: of the port.
        idle: seconds that an answer may stand still, once its head is there.
        max_line: bytes of the longest header that it may answer.
    """

    def __init__(
        self, pool: aiohttp.ClientSession, url: URL, *, idle: float, max_line: int, buffer: int
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._pool = pool
        self._idle = idle
        self._max_line = max_line
        self._buffer = buffer
        # It only says where connections lead, and is never sent.
        self._whither = _Whither("GET", url, loop=self._loop, session=pool)
        self._info = self._whither.request_info

    async def ask(
        self, method: str, target: str, headers: CIMultiDict[str], *, patience: float
    ) -> aiohttp.ClientResponse:
        """Send a request; return with the head of the answer. Redirects are not followed.

        Args:
            method: one of `METHODS`.
            target: path and query as they go on.
            headers: all of them.
            patience: seconds to the head of the answer.

        Raises:
            aiohttp.ClientError, OSError, TimeoutError, ValueError: there is no answer.
        """
        headers.setdefault(hdrs.HOST, self._whither.headers[hdrs.HOST])
        line = f"{method} {target} HTTP/1.1"
        try:
            return await self._ask(method, line, headers, patience)
        except aiohttp.ClientConnectorError:
            raise
        except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError):
            # The pod may have closed a kept connection in just this moment. Once more, as aiohttp
            # does: what has no effect may be sent twice.
            return await self._ask(method, line, headers, patience)

    async def _ask(
        self, method: str, line: str, headers: CIMultiDict[str], patience: float
    ) -> aiohttp.ClientResponse:
        connection, protocol = await self._connect(skip_payload=method == hdrs.METH_HEAD)
        late = self._loop.call_later(patience, _give_up, protocol)
        try:
            writer = StreamWriter(protocol, self._loop)
            await writer.write_headers(line, headers)
            writer.set_eof()
            answer = aiohttp.ClientResponse(
                method,
                self._whither.url,
                writer=None,
                continue100=None,
                timer=_NO_TIMER,
                request_info=self._info,
                traces=[],
                loop=self._loop,
                session=self._pool,
                stream_writer=writer,
            )
            try:
                await answer.start(connection)
            except BaseException:
                answer.close()
                raise
        except BaseException:
            connection.close()
            raise
        finally:
            late.cancel()
        if answer.status != SWITCHING and not answer.content.is_eof():
            protocol.read_timeout = self._idle
            protocol.start_timeout()
        return answer

    async def _connect(self, *, skip_payload: bool) -> tuple[Connection, ResponseHandler]:
        connector = self._pool.connector
        if connector is None:
            raise aiohttp.ClientConnectionError("The pool is closed.")
        try:
            connection = await connector.connect(
                self._whither, traces=[], timeout=self._pool.timeout
            )
        except TimeoutError as error:
            raise aiohttp.ConnectionTimeoutError("no connection in time") from error
        protocol = connection.protocol
        assert protocol is not None
        protocol.set_response_params(
            timer=_NO_TIMER,
            skip_payload=skip_payload,
            read_until_eof=True,
            auto_decompress=False,
            read_bufsize=self._buffer,
            max_line_size=self._max_line,
            max_field_size=self._max_line,
        )
        return connection, protocol


class _Whither(aiohttp.ClientRequest):
    """A request that never changes, so the name of its connections is made once."""

    @cached_property
    def connection_key(self) -> ConnectionKey:
        return super().connection_key


def _give_up(protocol: ResponseHandler) -> None:
    protocol.set_exception(aiohttp.SocketTimeoutError("no answer in time"))
