"""Requests that two servers may read differently: refused, and not one byte of them goes on."""

from __future__ import annotations

import pytest

from tests.handlers.gateway.stage import Stage
from tests.handlers.gateway.wire import Listener, error_in, request, say


@pytest.fixture
async def pod(stage: Stage) -> Listener:
    """The pod of alice's session."""
    found = Listener()
    await stage.add_session(pod=found)
    return found


CHUNKED = "Transfer-Encoding: chunked"
END = b"0\r\n\r\n"


@pytest.mark.parametrize(
    "data",
    [
        request("Content-Length: 3", CHUNKED, body=END),
        request(CHUNKED, "Content-Length: 3", body=END),
        request("Content-Length: 3", "Content-Length: 4", body=b"abcd"),
        request("Content-Length: 3", "Content-Length: 3", body=b"abc"),
        request("Content-Length: 3, 3", body=b"abc"),
        request("Content-Length: +3", body=b"abc"),
        request("Content-Length: 0x3", body=b"abc"),
        request("Content-Length: 3 3", body=b"abc"),
        request("Content-Length: 1_0", body=b"abcdefghij"),
        request("Content-Length: 18446744073709551619", body=b"abc"),
        request("Content-Length:", body=b"abc"),
        request("Transfer-Encoding: gzip, chunked", body=END),
        request("Transfer-Encoding: gzip", CHUNKED, body=END),
        request("Transfer-Encoding: chunked, gzip", body=END),
        request("Transfer-Encoding: chunked, chunked", body=END),
        request("Transfer-Encoding: chunked, identity", body=END),
        request("Transfer-Encoding: identity", "Content-Length: 3", body=b"abc"),
        request("Transfer-Encoding: identity, chunked", body=END),
        request("Transfer-Encoding: xchunked", body=END),
        request("Transfer-Encoding: chunked;q=1", body=END),
        request('Transfer-Encoding: "chunked"', body=END),
        request("Transfer-Encoding: \x0bchunked", body=END),
        request("Transfer-Encoding: ", "Content-Length: 3", body=b"abc"),
        request("Transfer-Encoding:\r\n chunked", body=END),
        request("Transfer-Encoding : chunked", body=END),
        request(CHUNKED, CHUNKED, body=END),
        request(CHUNKED, version="HTTP/1.0", body=END),
        request(CHUNKED, "Content-Length: 3", version="HTTP/1.0", body=b"abc"),
    ],
)
async def test_whose_end_is_not_sure(stage: Stage, pod: Listener, data: bytes) -> None:
    await refused(stage, pod, data.replace(b"GET", b"POST", 1))


CHUNK = b"3\r\nabc\r\n"
BAD_CHUNKS = [
    b"3\nabc\r\n0\r\n\r\n",
    b"3\r\nabc\n0\r\n\r\n",
    b"3\rabc\r\n0\r\n\r\n",
    b"0x3\r\nabc\r\n0\r\n\r\n",
    b"+3\r\nabc\r\n0\r\n\r\n",
    b"-3\r\nabc\r\n0\r\n\r\n",
    b" 3\r\nabc\r\n0\r\n\r\n",
    b"3 \r\nabc\r\n0\r\n\r\n",
    b"3_0\r\nabc\r\n0\r\n\r\n",
    b"10000000000000003\r\nabc\r\n0\r\n\r\n",
    b"\r\nabc\r\n0\r\n\r\n",
    b"g\r\nabc\r\n0\r\n\r\n",
    b"3\r\nabcd\r\n0\r\n\r\n",
    b"3;a\nabc\r\n0\r\n\r\n",
    b"3;a=\x00\r\nabc\r\n0\r\n\r\n",
    CHUNK + b"0\r\n\n",
    CHUNK + b"0\n\r\n",
    CHUNK + b"0\r\nX Y: 1\r\n\r\n",
    CHUNK + b"0\r\nX-T : 1\r\n\r\n",
    CHUNK + b"0\r\nX-T: 1\r\n 2\r\n\r\n",
    CHUNK + b"0\r\nContent-Length: 5\r\n\r\n",
]


@pytest.mark.parametrize("body", BAD_CHUNKS)
async def test_whose_chunks_are_none(stage: Stage, pod: Listener, body: bytes) -> None:
    await refused(stage, pod, request(CHUNKED, method="POST", body=body))


@pytest.mark.parametrize("body", BAD_CHUNKS)
async def test_whose_chunks_turn_out_to_be_none_are_never_whole(
    stage: Stage, pod: Listener, body: bytes
) -> None:
    """What came before has gone on by then: it is broken off."""
    head = request(CHUNKED, method="POST")
    assert error_in(await say(stage, head + CHUNK, body)) == (400, "bad_request")
    assert pod.whole == []
    assert not pod.heard.endswith(END)


@pytest.mark.parametrize(
    "data",
    [
        request("X-A: 1\r\n 2"),
        request("X-A: 1\r\n\t2"),
        request("X-A: 1\r2"),
        request("X-A: 1\rX-B: 2"),
        request("X-A: 1\nX-B: 2"),
        request("X-A: 1\x002"),
        request("X-A: 1\x012"),
        request("X-A: 1\x7f2"),
        request("X-A\x00: 1"),
        request("X-\xe9: 1"),
        request("X(A): 1"),
        request("X-A : 1"),
        request("X-A\t: 1"),
        request(": 1"),
        request("X-A"),
        request(" X-A: 1"),
        request().replace(b"\r\n", b"\n"),
        request().replace(b"\r\n\r\n", b"\r\n\n"),
        request().replace(b"\r\nHost", b"\r\n Host"),
    ],
)
async def test_whose_headers_are_none(stage: Stage, pod: Listener, data: bytes) -> None:
    await refused(stage, pod, data)


@pytest.mark.parametrize(
    "data",
    [
        request(host=None),
        request("Host: y"),
        request("Host: x"),
        request(host="a b"),
        request(host="a, b"),
        request(host="a/b"),
        request(host="a@b"),
        request(host="a:b"),
        request(host="[::1"),
        request(host="a\\b"),
    ],
)
async def test_whose_host_is_not_sure(stage: Stage, pod: Listener, data: bytes) -> None:
    await refused(stage, pod, data)


@pytest.mark.parametrize(
    "data",
    [
        request(version="HTTP/0.9"),
        request(version="HTTP/1.2"),
        request(version="HTTP/2.0"),
        request(version="HTTP/3.0"),
        request(version="http/1.1"),
        request(version="HTTP/1.1 "),
        request(version="HTTP/1.10"),
        request(version="HTTP/01.1"),
        request(version="ICE/1.0"),
        b"GET /api/chess/\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        request(method=""),
        request(method=" GET"),
        request(method="get"),
        request(method="GET\t"),
        request(method="FOO"),
        request(target=""),
        request(target="*"),
        request(target="/api/chess/a b"),
        request(target="/api/chess/\xe9"),
        request(target="/api/chess/\x00"),
        request(target="/api/chess/\x7f"),
        request(target="api/chess/"),
        request(target="x:80"),
    ],
)
async def test_whose_first_line_is_none(stage: Stage, pod: Listener, data: bytes) -> None:
    await refused(stage, pod, data)


@pytest.mark.parametrize(
    ("target", "host"),
    [
        ("http://y/api/chess/", "x"),
        ("http://x:80/api/chess/", "x"),
        ("http://y@x/api/chess/", "x"),
        ("http://x@y/api/chess/", "x"),
        ("ftp://x/api/chess/", "x"),
        ("http://x", "x"),
        ("http://x?/api/chess/", "x"),
        ("http:///api/chess/", ""),
        ("*", "x"),
    ],
)
async def test_whose_target_is_not_here(
    stage: Stage, pod: Listener, target: str, host: str
) -> None:
    await refused(stage, pod, request(target=target, host=host, method="OPTIONS"), "bad_path")


async def refused(
    stage: Stage, pod: Listener, data: bytes, *also: str, code: str = "bad_request"
) -> None:
    """A request is refused, what comes behind it is not looked at, and the pod hears nothing."""
    answer = await say(stage, data + request(target="/api/chess/behind"))
    assert answer.startswith((b"HTTP/1.1 400 ", b"HTTP/1.0 400 "))
    _, found = error_in(answer)
    assert found in ("bad_request", *also)
    assert pod.heard == b""


@pytest.mark.parametrize(
    ("target", "host"),
    [
        ("http://x/api/chess/a?b", "x"),
        ("HTTP://X/api/chess/a?b", "x"),
        ("https://x:8080/api/chess/a?b", "x:8080"),
        ("http://[::1]/api/chess/a?b", "[::1]"),
        ("/api/chess/a?b", "X-1.test"),
        ("/api/chess/a?b", ""),
    ],
)
async def test_what_is_meant_for_this_host_goes_on(
    stage: Stage, pod: Listener, target: str, host: str
) -> None:
    """A server must take absolute-form too (RFC 9112, 3.2.2)."""
    answer = await say(stage, request("Connection: close", target=target, host=host))
    assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
    ((head, _),) = pod.whole
    assert head.startswith(b"GET /api/chess/a?b HTTP/1.1\r\n")
    assert f"\r\nHost: {host}\r\n".encode() in head


@pytest.mark.parametrize(
    "body",
    [
        CHUNK + END,
        b"3;a=b\r\nabc\r\n" + END,
        b'3;a="b;\\"c"\r\nabc\r\n' + END,
        b"0003\r\nabc\r\n000\r\n\r\n",
        CHUNK + b"0\r\nX-Game-User: mallory\r\nX-T: 1\r\n\r\n",
        b"1\r\na\r\n2\r\nbc\r\n" + END,
    ],
)
async def test_chunks_go_on_without_extensions_and_trailers(
    stage: Stage, pod: Listener, body: bytes
) -> None:
    """Nobody needs them, and what a trailer says is not ours to vouch for."""
    data = request("Transfer-Encoding: Chunked", "Connection: close", method="POST", body=body)
    assert (await say(stage, data)).endswith(b"\r\n\r\nok")
    ((head, found),) = pod.whole
    assert found == b"abc"
    assert b"mallory" not in pod.heard
    assert b"content-length" not in head.lower()


async def test_requests_that_come_at_once_are_answered_in_turn(stage: Stage, pod: Listener) -> None:
    data = request(target="/api/chess/1")
    data += request("Content-Length: 3", target="/api/chess/2", method="POST", body=b"abc")
    data += request(CHUNKED, target="/api/chess/3", method="POST", body=CHUNK + END)
    data += request("Connection: close", target="/api/chess/4")
    answers = await say(stage, data, request(target="/api/chess/late"))
    assert answers.count(b"HTTP/1.1 200 OK\r\n") == 4
    assert [head.split(b" ")[1][-1:] for head, _ in pod.whole] == [b"1", b"2", b"3", b"4"]
    assert [body for _, body in pod.whole] == [b"", b"abc", b"abc", b""]
