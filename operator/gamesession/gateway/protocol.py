"""aiohttp's HTTP server, with our own words for what it cannot read."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from aiohttp import web
from aiohttp.http_exceptions import BadHttpMessage, LineTooLong
from aiohttp.web_protocol import RequestHandler

from gamesession.api.errors import BadRequest, GameSessionError, HeadersTooLarge
from gamesession.gateway.answers import error_answer, request_id_of
from gamesession.gateway.drain import Handler


class GatewayProtocol(RequestHandler):
    """Answers errors below the level of our handler in the shape that all errors have."""

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

    def __init__(self, handler: Handler, *, leaving: Callable[[], bool], **options: Any) -> None:
        class Request(web.BaseRequest):
            """A request whose connection is kept only as long as this server stays."""

            @property
            def keep_alive(self) -> bool:
                return super().keep_alive and not leaving()

        def make_request(
            message: Any, payload: Any, protocol: Any, writer: Any, task: Any
        ) -> web.BaseRequest:
            return Request(message, payload, protocol, writer, task, self._loop)

        super().__init__(handler, request_factory=make_request, **options)

    def __call__(self) -> RequestHandler:
        return GatewayProtocol(self, loop=self._loop, **self._kwargs)


def _error(status: int, exc: BaseException | None) -> GameSessionError:
    too_many = isinstance(exc, BadHttpMessage) and "Too many headers" in exc.message
    if isinstance(exc, LineTooLong) or too_many:
        return HeadersTooLarge("The head of the request is too large.")
    if status == 400:
        return BadRequest("This is no HTTP request that can be read.")
    return GameSessionError("The gateway failed on this request.")
