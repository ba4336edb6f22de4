"""Large bodies of benches: all of them must have gone by."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from aiohttp import web
from aiohttp.test_utils import RawTestServer

from tests.bench.bulk import CHUNK, Way, download, upload
from tests.bench.pod import answer

SIZE = 3 * CHUNK + 17
Handler = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]


async def transfer(way: Way, handler: Handler) -> list[int]:
    """What went by, step by step."""
    async with RawTestServer(handler) as server:
        port = server.port or 0
        return await asyncio.to_thread(lambda: list(way(port, SIZE)))


async def test_an_upload_is_sent_to_its_end() -> None:
    assert await transfer(upload, answer) == [0, CHUNK, 2 * CHUNK, 3 * CHUNK]


async def test_a_download_is_read_to_its_end() -> None:
    assert (await transfer(download, answer))[-1] == SIZE


@pytest.mark.parametrize("way", [upload, download])
async def test_what_does_not_all_go_by_is_no_measurement(way: Way) -> None:
    async def less(request: web.BaseRequest) -> web.StreamResponse:
        if request.method == "POST":
            await request.read()
            return web.Response(text="5")
        out = web.StreamResponse(headers={"Content-Length": str(SIZE)})
        await out.prepare(request)
        assert request.transport is not None
        request.transport.close()
        return out

    with pytest.raises(OSError, match=r"of \d+ bytes"):
        await transfer(way, less)
