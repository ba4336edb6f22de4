"""Requests without a body, over the connections that are kept to a pod."""

from __future__ import annotations

import asyncio
import itertools
from datetime import timedelta

from tests.handlers.gateway.pods import RawPod
from tests.handlers.gateway.stage import Stage, bearer

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


async def head_of(reader: asyncio.StreamReader) -> bytes:
    """The head of the next request; empty if there is none."""
    try:
        return await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return b""


async def test_a_kept_connection_that_the_pod_closes_at_this_moment_costs_no_request(
    stage: Stage,
) -> None:
    connections = itertools.count(1)
    opened = 0

    async def speak(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal opened
        opened = next(connections)
        await head_of(reader)
        writer.write(ANSWER)
        await head_of(reader)
        writer.close()  # the second one gets no answer

    await stage.add_game()
    await stage.add_session(pod=RawPod(speak))
    for expected in (1, 2, 3):
        async with stage.get("/api/chess/") as answer:
            assert (answer.status, await answer.text()) == (200, "ok")
        assert opened == expected


async def test_a_pod_that_dribbles_its_head_has_no_more_time_than_others() -> None:
    async def speak(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await head_of(reader)
        writer.write(b"HTTP/1.1 200 OK\r\n")
        try:
            while await asyncio.sleep(0.02, not writer.is_closing()):
                writer.write(b"X-Patience: please\r\n")
                await writer.drain()
        except ConnectionError:
            pass

    async with Stage(response_timeout=timedelta(seconds=0.3)) as stage:
        await stage.add_game()
        await stage.add_session(pod=RawPod(speak))
        async with stage.get("/api/chess/") as answer:
            said = await answer.json()
        assert (answer.status, said["error"]["code"]) == (504, "upstream_timeout")


async def test_a_client_that_names_no_host_leads_to_the_pods_own(stage: Stage) -> None:
    heads: list[bytes] = []

    async def speak(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heads.append(await head_of(reader))
        writer.write(ANSWER)

    pod = RawPod(speak)
    await stage.add_game()
    await stage.add_session(pod=pod)
    reader, writer = await asyncio.open_connection("127.0.0.1", stage.service.port)
    token = bearer()["Authorization"]
    writer.write(f"GET /api/chess/ HTTP/1.0\r\nAuthorization: {token}\r\n\r\n".encode())
    assert (await reader.read()).endswith(b"ok")
    writer.close()
    assert f"\r\nhost: {pod.ip}:".encode() in heads[0].lower()
