"""The load of benches: what counts as an answer, and what ends it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest
from aiohttp import web
from aiohttp.test_utils import RawTestServer

from tests.bench.load import Question, Rate, load

BODY = b"0123456789" * 1000
SECONDS = 0.5


async def rate_of(
    answer: Callable[[web.BaseRequest], Awaitable[web.StreamResponse]], connections: int = 3
) -> Rate:
    """What comes of a load on a server that answers so."""
    async with RawTestServer(answer) as server:
        question = Question("127.0.0.1", server.port or 0, "/it", {"X-It": "1"}, BODY)
        return await load(question, connections, SECONDS)


async def test_every_request_is_counted_once_and_only_those_in_time_are_timed() -> None:
    asked = 0

    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        nonlocal asked
        asked += 1
        assert (request.path, request.headers["X-It"]) == ("/it", "1")
        return web.Response(body=BODY)

    rate = await rate_of(answer)
    assert rate.answered == asked
    assert 3 <= len(rate.times) <= asked
    assert rate.seconds >= SECONDS
    assert rate.per_second == pytest.approx(len(rate.times) / rate.seconds)


async def test_an_answer_in_pieces_is_one_answer() -> None:
    asked = 0

    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        nonlocal asked
        asked += 1
        out = web.StreamResponse(headers={"Content-Length": str(len(BODY))})
        await out.prepare(request)
        for at in range(0, len(BODY), 2500):
            await out.write(BODY[at : at + 2500])
        return out

    assert (await rate_of(answer)).answered == asked


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: web.Response(status=503, body=BODY),
        lambda: web.Response(body=BODY + b"x" * 10_000),
    ],
)
async def test_another_answer_ends_it(wrong: Callable[[], web.Response]) -> None:
    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        return wrong()

    with pytest.raises(OSError, match="not the answer that is measured"):
        await rate_of(answer)


async def test_a_connection_that_is_closed_ends_it() -> None:
    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        assert request.transport is not None
        request.transport.close()
        return web.Response(body=BODY)

    with pytest.raises(OSError, match="not the answer that is measured"):
        await rate_of(answer)
