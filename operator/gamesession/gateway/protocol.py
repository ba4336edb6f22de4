"""aiohttp's HTTP server, with our own words for what it cannot read, and for what does not come."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Final

from aiohttp import HttpVersion10, HttpVersion11, StreamReader, web
from aiohttp.http_exceptions import BadHttpMessage, LineTooLong
from aiohttp.http_parser import RawRequestMessage
from aiohttp.streams import EMPTY_PAYLOAD
from aiohttp.web_protocol import RequestHandler, _ErrInfo

from gamesession.api.errors import BadRequest, GameSessionError, HeadersTooLarge
from gamesession.gateway.answers import error_answer, request_id_of
from gamesession.gateway.drain import Handler
from gamesession.gateway.entrance import Entrance
from gamesession.gateway.request import GatewayRequest

HEAD_SECONDS: Final = 30.0
"""From a connection, or the first byte of a later request on it, to the end of a head."""


VERSIONS: Final = frozenset({HttpVersion10, HttpVersion11})


class OtherVersion(Exception):
    """A request has the form of one, but is of an HTTP that has another."""


class LateHead(Exception):
    """The head of a request took longer than it may."""


class GatewayProtocol(RequestHandler):
    """Answers errors below the level of our handler in the shape that all errors have."""

    __slots__ = ("_begun", "_body", "_patience")

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A client is there, and has something to say."""
        super().connection_made(transport)
        self._begun = False
        self._body: StreamReader = EMPTY_PAYLOAD
        self._patience: asyncio.TimerHandle | None = None
        self._wait_for_head()

    def connection_lost(self, exc: BaseException | None) -> None:
        """It is gone."""
        self._stop_waiting()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """It said something."""
        known = len(self._messages)
        super().data_received(data)
        if len(self._messages) > known:
            self._stop_waiting()
            self._look_from(known)
        elif self._waiter is not None and data.strip():
            self._begun = True
            self._wait_for_head()

    def _look_from(self, index: int) -> None:
        for at in range(index, len(self._messages)):
            message, payload = self._messages[at]
            if isinstance(message, _ErrInfo):
                # aiohttp's parser in C leaves who reads a malformed body waiting for the rest.
                if not self._body.is_eof():
                    self._body.set_exception(web.RequestPayloadError("the body is malformed"))
            elif message.version not in VERSIONS:
                self._messages[at] = _ErrInfo(400, OtherVersion(), ""), EMPTY_PAYLOAD
            else:
                self._body = payload

    def _wait_for_head(self) -> None:
        if self._patience is None:
            self._patience = self._loop.call_later(HEAD_SECONDS, self._lose_patience)

    def _stop_waiting(self) -> None:
        self._begun = False
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None

    def _lose_patience(self) -> None:
        self._patience = None
        if not self._begun or self._waiter is None or self._waiter.done():
            self.force_close()
            return
        late = _ErrInfo(400, LateHead(), "")
        self._messages.append((late, EMPTY_PAYLOAD))
        self._waiter.set_result(None)

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """The answer to a request that could not be read, or that our handler failed on."""
        if request.writer.output_size > 0:
            raise ConnectionError("an answer has begun already")
        answer = error_answer(_error(status, exc), request_id_of(None))
        answer.force_close()
        return answer


class GatewayServer(web.Server):
    """Makes our protocol for every connection.

    Args:
        leaving: whether answers should close their connections, asked at each of them.
        options: as of aiohttp's server.
    """

    def __init__(
        self, handler: Handler, entrance: Entrance, *, leaving: Callable[[], bool], **options: Any
    ) -> None:
        def make_request(
            message: RawRequestMessage, payload: Any, protocol: Any, writer: Any, task: Any
        ) -> GatewayRequest:
            message, credential = entrance.take(message)
            return GatewayRequest(
                *(message, payload, protocol, writer, task, self._loop),
                credential=credential,
                dress=entrance.dress,
                leaving=leaving,
            )

        super().__init__(handler, request_factory=make_request, **options)  # type: ignore[arg-type]

    def __call__(self) -> RequestHandler:
        return GatewayProtocol(self, loop=self._loop, **self._kwargs)


def _error(status: int, exc: BaseException | None) -> GameSessionError:
    too_many = isinstance(exc, BadHttpMessage) and "Too many headers" in exc.message
    if isinstance(exc, LineTooLong) or too_many:
        return HeadersTooLarge("The head of the request is too large.")
    if isinstance(exc, OtherVersion):
        return BadRequest("The gateway speaks HTTP/1.0 and HTTP/1.1.")
    if isinstance(exc, LateHead):
        return BadRequest(f"The head of a request must come within {HEAD_SECONDS:g} s.")
    if status == 400:
        return BadRequest("This is no HTTP request that can be read.")
    return GameSessionError("The gateway failed on this request.")
