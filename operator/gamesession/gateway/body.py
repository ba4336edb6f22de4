"""A request's body on its way to the pod: streamed, bounded, not read before the pod is there."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Final, NoReturn

from aiohttp import HttpVersion11, hdrs, web
from aiohttp.abc import AbstractStreamWriter
from aiohttp.payload import AsyncIterablePayload

from gamesession.api.errors import BadRequest, GameSessionError, PayloadTooLarge

CONTINUE: Final = b"HTTP/1.1 100 Continue\r\n\r\n"


class Body:
    """The body of a request, to be taken once.

    Args:
        most: bytes that it may have.
        idle: seconds that the client may pause for in its midst.

    Attributes:
        taken: whether reading has begun: then it cannot be sent a second time.
        failure: what was wrong with it; the upload breaks off then.
        on_progress: called when it waits for the client (`True`) and when it goes on (`False`).
        on_failure: called when it breaks off.
        on_chunk: called when some of it goes by.
    """

    def __init__(self, request: web.BaseRequest, *, most: int, idle: float) -> None:
        self._request = request
        self._most = most
        self._idle = idle
        self.taken = False
        self.failure: GameSessionError | None = None
        self.on_progress: Callable[[bool], None] = lambda waiting: None
        self.on_failure: Callable[[], None] = lambda: None
        self.on_chunk: Callable[[], None] = lambda: None

    def check_length(self) -> None:
        """Refuse a body that is announced as too large.

        Raises:
            PayloadTooLarge: it is.
        """
        if (self._request.content_length or 0) > self._most:
            raise self._too_large()

    @property
    def exists(self) -> bool:
        """Whether there is one, be it empty."""
        return self._request.body_exists

    @property
    def has_begun(self) -> bool:
        """Whether some of it is here, or all."""
        return self._request.content.total_bytes > 0 or self._request.content.is_eof()

    @property
    def awaits_go_ahead(self) -> bool:
        """Whether the client sends it only when told to (`Expect: 100-continue`), and was not."""
        expects = self._request.headers.get(hdrs.EXPECT, "").lower() == "100-continue"
        return expects and not self.taken and self._request.version >= HttpVersion11

    async def __aiter__(self) -> AsyncIterator[bytes]:
        if self.awaits_go_ahead:
            await self._request.writer.write(CONTINUE)
            self._request.writer.output_size = 0  # the answer itself has not begun
        self.taken = True
        size = 0
        while chunk := await self._next():
            size += len(chunk)
            if size > self._most:
                self._fail(self._too_large())
            self.on_chunk()
            yield chunk

    async def _next(self) -> bytes:
        self.on_progress(True)
        try:
            async with asyncio.timeout(self._idle):
                return await self._request.content.readany()
        except TimeoutError:
            self._fail(BadRequest("The body of the request stood still for too long."))
        except (web.RequestPayloadError, ConnectionError):
            self._fail(BadRequest("The body of the request broke off or is malformed."))
        finally:
            self.on_progress(False)

    def _fail(self, failure: GameSessionError) -> NoReturn:
        self.failure = failure
        self.on_failure()
        raise failure

    def _too_large(self) -> PayloadTooLarge:
        return PayloadTooLarge(f"The body of a request may have {self._most} bytes at most.")


class Upload(AsyncIterablePayload):
    """A body as aiohttp sends it, but the head of its request does not wait for its beginning: a
    pod may answer, or refuse, before that."""

    def __init__(self, body: Body) -> None:
        super().__init__(body)
        self._body = body

    async def write_with_length(
        self, writer: AbstractStreamWriter, content_length: int | None
    ) -> None:
        if not self._body.has_begun:
            writer.send_headers()
        await super().write_with_length(writer, content_length)
