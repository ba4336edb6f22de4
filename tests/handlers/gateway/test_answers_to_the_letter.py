"""Answers of pods, as their bytes: what of them reaches the client, and what it is told instead."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.handlers.gateway.pods import RawPod
from tests.handlers.gateway.stage import Stage
from tests.handlers.gateway.wire import Listener, error_in, request, say

OK = b"HTTP/1.1 200 OK\r\n"


async def answer_to(stage: Stage, pod: RawPod, *lines: str, **of: Any) -> tuple[bytes, bytes]:
    """Head, in lower case, and body of what a client gets."""
    if pod not in stage.pods.values():
        await stage.add_session(pod=pod)
    answer = await say(stage, request("Connection: close", *lines, **of))
    head, _, body = answer.partition(b"\r\n\r\n")
    return head.lower() + b"\r\n", body


# Bodies that are none -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 204 No Content\r\n\r\n",
        b"HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 304 Not Modified\r\n\r\n",
        b"HTTP/1.1 304 Not Modified\r\nContent-Length: 1234\r\n\r\n",
        b"HTTP/1.1 304 Not Modified\r\nTransfer-Encoding: chunked\r\n\r\n",
    ],
)
async def test_an_answer_that_has_no_body_by_its_status(stage: Stage, answer: bytes) -> None:
    pod = Listener(answer)
    for _ in range(2):
        head, body = await answer_to(stage, pod)
        assert head.startswith(answer.lower().split(b"\r\n")[0])
        assert body == b""
        assert b"transfer-encoding" not in head
        assert b" 304 " in head or b"content-length" not in head
    assert len(pod.whole) == 2


@pytest.mark.parametrize(
    "answer",
    [
        OK + b"Content-Length: 1234\r\n\r\n",
        OK + b"Transfer-Encoding: chunked\r\n\r\n",
        OK + b"\r\n",
        b"HTTP/1.1 404 Not Found\r\nContent-Length: 9\r\n\r\n",
    ],
)
async def test_an_answer_to_head_has_a_head_only(stage: Stage, answer: bytes) -> None:
    pod = Listener(answer)
    for _ in range(2):
        head, body = await answer_to(stage, pod, method="HEAD")
        assert head.startswith(answer.lower().split(b"\r\n")[0])
        assert body == b""
        assert (b"\r\ncontent-length: 1234\r\n" in head) is (b"1234" in answer)
        assert b"content-length: 0" not in head
    assert len(pod.whole) == 2


@pytest.mark.parametrize("method", ["GET", "OPTIONS", "DELETE", "POST"])
async def test_an_empty_answer_is_empty(stage: Stage, method: str) -> None:
    head, body = await answer_to(stage, Listener(OK + b"Content-Length: 0\r\n\r\n"), method=method)
    assert b"\r\ncontent-length: 0\r\n" in head
    assert b"transfer-encoding" not in head
    assert body == b""


# Heads --------------------------------------------------------------------------------------------


async def test_answers_before_the_answer_are_the_gateways_own(stage: Stage) -> None:
    """An old client would take what it did not ask for as the answer."""
    early = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
    head, body = await answer_to(stage, Listener(early + OK + b"Content-Length: 2\r\n\r\nok"))
    assert head.startswith(b"http/1.1 200 ok\r\n")
    assert b"link" not in head
    assert body == b"ok"


async def test_what_holds_from_hop_to_hop_ends_here(stage: Stage) -> None:
    hops = b"Connection: close, X-Hop\r\nX-Hop: 1\r\nKeep-Alive: timeout=5\r\nTrailer: X-T\r\n"
    hops += b"Proxy-Authenticate: Basic\r\nProxy-Connection: close\r\nUpgrade: h2c\r\nTE: x\r\n"
    chunks = b"Transfer-Encoding: chunked\r\n\r\n2;ext\r\nok\r\n0\r\nX-T: 1\r\n\r\n"
    head, body = await answer_to(stage, Listener(OK + hops + chunks))
    for name in (b"x-hop", b"keep-alive", b"trailer", b"proxy-", b"upgrade", b"te"):
        assert b"\r\n" + name not in head
    assert body == b"2\r\nok\r\n0\r\n\r\n"


async def test_and_in_the_other_direction(stage: Stage) -> None:
    pod = Listener()
    lines = ["Connection: X-Hop, keep-alive", "X-Hop: 1", "Keep-Alive: timeout=5", "TE: trailers"]
    lines += ["Proxy-Authorization: Basic x", "Proxy-Connection: close", "Trailer: X-T"]
    await answer_to(stage, pod, *lines)
    (head, _), names = pod.whole[0], set()
    for line in head.lower().split(b"\r\n")[1:]:
        names.add(line.split(b":")[0])
    assert not names & {b"x-hop", b"keep-alive", b"te", b"trailer", b"connection"}
    assert not any(name.startswith(b"proxy-") for name in names)


async def test_headers_come_back_as_often_and_in_the_order_that_they_were_said(
    stage: Stage,
) -> None:
    said = b"Set-Cookie: a=1\r\nX-A: 1\r\nSet-Cookie: b=2, c\r\nX-A: 2\r\nVary: a\r\nVary: b\r\n"
    head, _ = await answer_to(stage, Listener(OK + said + b"Content-Length: 0\r\n\r\n"))
    lines = [line + b"\r\n" for line in head.split(b"\r\n")]
    kept = [line for line in lines if line.startswith((b"set-cookie", b"x-a", b"vary"))]
    assert b"".join(kept) == said.lower()


@pytest.mark.parametrize(
    "answer",
    [
        OK + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\nokx",
        OK + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        OK + b"Content-Length: +2\r\n\r\nok",
        OK + b"Content-Length: 0x2\r\n\r\nok",
        OK + b"Transfer-Encoding: chunked\r\n\r\n0x2\r\nok\r\n0\r\n\r\n",
        OK + b"X-A: 1\r2\r\nContent-Length: 2\r\n\r\nok",
        OK + b"X-A: 1\x002\r\nContent-Length: 2\r\n\r\nok",
        OK + b"X A: 1\r\nContent-Length: 2\r\n\r\nok",
        OK + b": 1\r\nContent-Length: 2\r\n\r\nok",
        b"HTTP/1.1 099 No\r\nContent-Length: 2\r\n\r\nok",
        b"HTTP/1.1 1000 No\r\nContent-Length: 2\r\n\r\nok",
    ],
)
async def test_an_answer_of_two_readings_is_none(stage: Stage, answer: bytes) -> None:
    await stage.add_session(pod=Listener(answer))
    assert error_in(await say(stage, request("Connection: close"))) == (502, "upstream_unreachable")


async def test_what_a_pod_says_unasked_is_never_taken_for_an_answer(stage: Stage) -> None:
    """A second answer behind the first would be the next request's."""
    asked = 0

    async def speak(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal asked
        while await reader.readuntil(b"\r\n\r\n"):
            asked += 1
            ours = OK + b"Content-Length: 1\r\n\r\n%d" % asked
            writer.write(ours + OK + b"Content-Length: 5\r\n\r\nstale")

    pod = RawPod(speak)
    for number in range(1, 4):
        _, body = await answer_to(stage, pod)
        assert body == b"%d" % number


# Answers that come early --------------------------------------------------------------------------


async def test_an_answer_may_come_before_the_body_of_its_request_is_there(stage: Stage) -> None:
    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 413 Too Much\r\nContent-Length: 4\r\n\r\nmuch")
        await writer.drain()
        writer.close()

    await stage.add_session(pod=RawPod(refuse))
    reader, writer = await asyncio.open_connection("127.0.0.1", stage.service.port)
    writer.write(request("Content-Length: 50000000", method="POST", body=b"x" * 1000))
    head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 10)
    assert head.startswith(b"HTTP/1.1 413 Too Much\r\n")
    assert await reader.readexactly(4) == b"much"
    writer.close()


async def test_question_and_answer_may_go_on_at_the_same_time(stage: Stage) -> None:
    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(OK + b"Transfer-Encoding: chunked\r\n\r\n")
        while chunk := await reader.readuntil(b"\r\n"):
            writer.write(chunk + await reader.readuntil(b"\r\n"))

    await stage.add_session(pod=RawPod(echo))
    reader, writer = await asyncio.open_connection("127.0.0.1", stage.service.port)
    writer.write(request("Transfer-Encoding: chunked", method="POST"))
    head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 10)
    assert head.startswith(OK)
    for word in (b"one", b"two", b"three"):
        said = b"%x\r\n%s\r\n" % (len(word), word)
        writer.write(said)
        assert await asyncio.wait_for(reader.readexactly(len(said)), 10) == said
    writer.write(b"0\r\n\r\n")
    assert await asyncio.wait_for(reader.readuntil(b"0\r\n\r\n"), 10) == b"0\r\n\r\n"
    writer.close()


async def test_a_client_that_expects_to_be_told_to_go_on_may_be_answered_instead(
    stage: Stage,
) -> None:
    """To be told to go on by the gateway promises nothing."""

    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        assert b"expect" not in head.lower()
        writer.write(b"HTTP/1.1 417 No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        writer.close()

    await stage.add_session(pod=RawPod(refuse))
    reader, writer = await asyncio.open_connection("127.0.0.1", stage.service.port)
    writer.write(request("Expect: 100-continue", "Content-Length: 5", method="POST"))
    told = await asyncio.wait_for(reader.readuntil(b"417 No\r\n"), 10)
    assert told == b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 417 No\r\n"
    writer.close()
