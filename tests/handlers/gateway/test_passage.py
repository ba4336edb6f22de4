"""What reaches the pod, and what comes back: heads, bodies, streams."""

from __future__ import annotations

import asyncio
import gzip
import json
from typing import Any

import pytest
from aiohttp import web

from gamesession.api.instant import parse_instant
from gamesession.api.names import SessionId
from tests.eventually import eventually
from tests.handlers.gateway.pods import PORT, HttpPod
from tests.handlers.gateway.stage import Stage, bearer, token

Game = dict[str, Any]


async def pod_of(stage: Stage, user: str = "alice", **of: Any) -> HttpPod:
    """A running session's pod."""
    pod = HttpPod()
    await stage.add_session(user, pod=pod, **of)
    return pod


async def head_at_pod(stage: Stage, pod: HttpPod, path: str = "/api/chess/", **of: Any) -> Any:
    """The headers of a request as the pod sees them."""
    async with stage.get(path, **of) as answer:
        assert answer.status == 200
    return pod.requests[-1].headers


# Identity -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("user", "encoded"),
    [
        ("alice", "alice"),
        ("Alice", "Alice"),
        (" a/b ", "%20a%2Fb%20"),
        ("é", "%C3%A9"),
        ("e\u0301", "e%CC%81"),
        ("100%", "100%25"),
    ],
)
async def test_the_pod_is_told_whom_it_serves(stage: Stage, user: str, encoded: str) -> None:
    pod = await pod_of(stage, user)
    headers = await head_at_pod(stage, pod, user=user)
    session = stage.session(user)
    made = parse_instant(session["metadata"]["creationTimestamp"])
    assert headers["X-Game-User"] == encoded
    assert headers["X-Game-Id"] == "chess"
    assert headers["X-Game-Pod"] == session["status"]["podUID"]
    assert headers["X-Game-Session"] == f"{encoded}_chess_{int(made.timestamp())}"
    assert SessionId.of(user, "chess", made).user == user


async def test_spellings_of_one_name_are_users_of_their_own(stage: Stage) -> None:
    """Unicode in two normal forms, another case, spaces, slashes: never another's pod."""
    users = ["é", "e\u0301", "alice", "Alice", "alice ", " alice", "al/ice", "al%2Fice"]

    async def ask(user: str) -> str:
        async with stage.get("/api/chess/", user) as answer:
            assert answer.status == 200
            return str((await answer.json())["pod"])

    pods = await asyncio.gather(*(ask(user) for user in users))
    assert len(set(pods)) == len(users)
    for user, pod in zip(users, pods, strict=True):
        assert await ask(user) == pod


async def test_what_a_client_claims_of_itself_is_not_believed(stage: Stage) -> None:
    pod = await pod_of(stage)
    lies = {
        "X-Game-User": "mallory",
        "x_game_user": "mallory",
        "X-Game_Session": "mallory",
        "X_Game-Pod": "mallory",
        "X-Game-Admin": "mallory",
        "X-Forwarded-For": "mallory",
        "X_Forwarded_Proto": "mallory",
        "X-Forwarded-User": "mallory",
        "Forwarded": "for=mallory",
        "Connection": "X-Game-User, X-Secret",
        "X-Secret": "mallory",
    }
    headers = await head_at_pod(stage, pod, headers=lies)
    assert "mallory" not in str(list(headers.values()))
    assert headers["X-Game-User"] == "alice"


async def test_the_pod_is_told_how_the_request_came(stage: Stage) -> None:
    pod = await pod_of(stage)
    headers = await head_at_pod(stage, pod, headers={"Host": "play.test"})
    assert headers["X-Forwarded-For"] == "127.0.0.1"
    assert headers["X-Forwarded-Proto"] == "http"
    assert headers["X-Forwarded-Host"] == headers["Host"] == "play.test"
    assert "X-Forwarded-Prefix" not in headers
    assert "Authorization" not in headers


async def test_nothing_is_said_in_the_clients_name_that_it_did_not_say(stage: Stage) -> None:
    pod = await pod_of(stage)
    request = (
        f"GET /api/chess/ HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token()}\r\n\r\n"
    ).encode()
    await exchange(stage, request)
    names = {name.lower() for name in pod.requests[-1].headers}
    assert not names & {"accept", "accept-encoding", "user-agent", "content-type", "cookie"}


async def test_authorization_is_forwarded_where_the_game_wants_it(stage: Stage) -> None:
    await stage.add_game("go", forwardAuthorization=True)
    pod = await pod_of(stage, game="go")
    headers = await head_at_pod(stage, pod, "/api/go/")
    assert headers["Authorization"].startswith("Bearer ey")


@pytest.mark.parametrize("given", ["abc-123", None, "bad id", "x" * 129, "é"])
async def test_a_request_has_one_id_all_the_way(stage: Stage, given: str | None) -> None:
    pod = await pod_of(stage)
    headers = {"X-Request-Id": given} if given else {}
    async with stage.get("/api/chess/", headers=headers) as answer:
        found = answer.headers["X-Request-Id"]
    assert pod.requests[-1].headers["X-Request-Id"] == found
    assert (found == given) is (given == "abc-123")


async def test_the_client_is_told_which_session_answered_and_how_it_started(stage: Stage) -> None:
    async with stage.get("/api/chess/") as answer:
        assert answer.headers["X-Game-Session"].startswith("alice_chess_")
        assert answer.headers["X-Game-Start"] == "cold"


# Paths --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path",
    [
        "/api/chess",
        "/api/chess/",
        "/api/chess/a%20b",
        "/api/chess/%C3%A9?q=%2F&r=a+b",
        "/api/chess//double//slashes",
        "/api/chess/;p=1/,:@!$&'()*+=~",
        "/api/chess/a?b?c=/../",
        "/api/chess/a?",
        "/api/chess?",
        "/api/chess/a??",
        "/api/chess/%7Euser/%41",
        "/api/chess/%252e%252e",
        "/%61pi/ch%65ss/x",
    ],
)
async def test_paths_go_on_as_they_came(stage: Stage, path: str) -> None:
    pod = await pod_of(stage)
    await head_at_pod(stage, pod, path)
    assert pod.requests[-1].raw_path == path


@pytest.mark.parametrize(
    ("path", "below"),
    [
        ("/api/go", "/"),
        ("/api/go?a=b", "/?a=b"),
        ("/api/go?", "/?"),
        ("/api/go/", "/"),
        ("/api/go/a%20b?q=1", "/a%20b?q=1"),
        ("/api/go//x", "//x"),
    ],
)
async def test_the_prefix_is_stripped_where_the_game_wants_it(
    stage: Stage, path: str, below: str
) -> None:
    await stage.add_game("go", stripPrefix=True)
    pod = await pod_of(stage, game="go")
    headers = await head_at_pod(stage, pod, path)
    assert pod.requests[-1].raw_path == below
    assert headers["X-Forwarded-Prefix"] == "/api/go"


@pytest.mark.parametrize(
    ("path", "service"),
    [
        ("/api/go/", "main"),
        ("/api/go/fortune", "agent"),
        ("/api/go/fortune/chat", "agent"),
        ("/api/go/fort%75ne/chat", "agent"),
        ("/api/go/fortunes", "main"),
        ("/api/go/fortune/live", "live"),
        ("/api/go/fortune/live/x", "live"),
        ("/api/go/other", "main"),
    ],
)
async def test_of_the_prefixes_that_match_the_longest_wins(
    stage: Stage, path: str, service: str
) -> None:
    ports = {"main": PORT, "agent": PORT + 1, "live": PORT + 2}
    await stage.add_game(
        "go",
        services=[
            {"name": "main", "port": ports["main"]},
            {"name": "agent", "port": ports["agent"], "paths": ["/fortune"]},
            {"name": "live", "port": ports["live"], "paths": ["/fortune/live/"]},
        ],
    )
    pods = {name: HttpPod() for name in ports}
    await stage.add_session(game="go", pod=pods["main"])
    for name in ("agent", "live"):
        pods[name].ip = pods["main"].ip
        await pods[name].listen(ports[name])
    async with stage.get(path) as answer:
        assert answer.status == 200
    assert [name for name, pod in pods.items() if pod.requests] == [service]
    for name in ("agent", "live"):
        await pods[name].stop()


async def test_a_running_session_keeps_the_port_that_it_was_bound_with(stage: Stage) -> None:
    pod = HttpPod()
    await stage.add_session(pod=pod, services={"main": f"{pod.ip}:{PORT}"})
    stage.api.change("games", "chess", lambda game: game["spec"]["services"][0].update(port=1))

    async def seen() -> bool:
        game = stage.service.directory.game_of_route("chess")
        return game is not None and game.spec.services[0].port == 1

    await eventually(seen)
    async with stage.get("/api/chess/") as answer:
        assert answer.status == 200


async def test_of_two_games_with_one_route_the_older_serves(stage: Stage) -> None:
    older = {"creationTimestamp": "2020-01-01T00:00:00Z"}
    newer = {"creationTimestamp": "2021-01-01T00:00:00Z"}
    for name, metadata in (("b", newer), ("a", older)):
        await stage.add_game(name, route="both")
        stage.api.change("games", name, lambda game, m=metadata: game["metadata"].update(m))  # type: ignore[misc]
    directory = stage.service.directory

    async def seen() -> bool:
        game = directory.game_of_route("both")
        return game is not None and game.name == "a"

    await eventually(seen)
    async with stage.get("/api/both/") as answer:
        assert answer.status == 200
    assert stage.session(game="a")


# Bodies -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [0, 1, 100_000, 3_000_000])
@pytest.mark.parametrize("chunked", [False, True])
async def test_a_body_arrives_whole(stage: Stage, size: int, chunked: bool) -> None:
    pod = await pod_of(stage)
    body = bytes(range(256)) * (size // 256) + b"x" * (size % 256)

    async def chunks() -> Any:
        for start in range(0, len(body), 50_000):
            yield body[start : start + 50_000]

    async with stage.post("/api/chess/", data=chunks() if chunked else body) as answer:
        assert answer.status == 200
    assert pod.bodies[-1] == body
    headers = pod.requests[-1].headers
    assert ("Transfer-Encoding" in headers) is chunked
    assert ("Content-Length" in headers) is not chunked


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "HEAD"])
async def test_methods_go_on_as_they_came(stage: Stage, method: str) -> None:
    pod = await pod_of(stage)
    async with stage.request(method, "/api/chess/") as answer:
        assert answer.status == 200
    assert pod.requests[-1].method == method


async def test_a_request_without_a_body_gets_none(stage: Stage) -> None:
    pod = await pod_of(stage)
    headers = await head_at_pod(stage, pod)
    assert "Transfer-Encoding" not in headers
    assert "Content-Length" not in headers


async def test_a_large_answer_arrives_whole(stage: Stage) -> None:
    pod = await pod_of(stage)
    body = bytes(range(256)) * 20_000

    async def tell(request: web.BaseRequest) -> web.StreamResponse:
        return web.Response(body=body)

    pod.handler = tell
    async with stage.get("/api/chess/") as answer:
        assert answer.headers["Content-Length"] == str(len(body))
        assert await answer.read() == body


async def test_compressed_bodies_are_left_alone_in_both_directions(stage: Stage) -> None:
    pod = await pod_of(stage)
    zipped = gzip.compress(b"hello" * 100)

    async def tell(request: web.BaseRequest) -> web.StreamResponse:
        pod.bodies.append(await request.read())
        return web.Response(body=zipped, headers={"Content-Encoding": "gzip"})

    pod.handler = tell
    headers = {"Content-Encoding": "gzip"}
    async with stage.post("/api/chess/", data=zipped, headers=headers) as answer:
        assert answer.headers["Content-Encoding"] == "gzip"
        assert await answer.read() == zipped
    assert pod.bodies == [zipped]
    assert pod.requests[-1].headers["Content-Encoding"] == "gzip"


async def test_several_cookies_and_odd_statuses_come_back(stage: Stage) -> None:
    pod = await pod_of(stage)

    async def tell(request: web.BaseRequest) -> web.StreamResponse:
        answer = web.Response(status=299, reason="Odd")
        answer.headers.add("Set-Cookie", "a=1; Path=/")
        answer.headers.add("Set-Cookie", "b=2; Path=/")
        answer.headers["Keep-Alive"] = "timeout=5"
        answer.headers["Connection"] = "X-Hop"
        answer.headers["X-Hop"] = "1"
        answer.headers["X-Game-Session"] = "mallory"
        return answer

    pod.handler = tell
    async with stage.get("/api/chess/") as answer:
        assert (answer.status, answer.reason) == (299, "Odd")
        assert answer.headers.getall("Set-Cookie") == ["a=1; Path=/", "b=2; Path=/"]
        assert "Keep-Alive" not in answer.headers
        assert "X-Hop" not in answer.headers
        assert answer.headers.getall("X-Game-Session") == [
            value for value in answer.headers.getall("X-Game-Session") if value.startswith("alice_")
        ]
    # Cookies are the client's: nothing of them stays here for the next request.
    async with stage.get("/api/chess/", headers={"Cookie": "c=3"}):
        pass
    assert pod.requests[-1].headers["Cookie"] == "c=3"


@pytest.mark.parametrize("status", [301, 302, 307, 308])
async def test_redirects_are_the_clients_to_follow(stage: Stage, status: int) -> None:
    pod = await pod_of(stage)

    async def tell(request: web.BaseRequest) -> web.StreamResponse:
        return web.Response(status=status, headers={"Location": "http://elsewhere/"})

    pod.handler = tell
    async with stage.get("/api/chess/") as answer:
        assert (answer.status, answer.headers["Location"]) == (status, "http://elsewhere/")
    assert len(pod.requests) == 1


@pytest.mark.parametrize("status", [204, 304])
async def test_answers_without_a_body_have_none(stage: Stage, status: int) -> None:
    pod = await pod_of(stage)

    async def tell(request: web.BaseRequest) -> web.StreamResponse:
        return web.Response(status=status, headers={"ETag": '"1"'})

    pod.handler = tell
    head, body = await exchange(stage, get("/api/chess/"))
    assert f" {status} ".encode() in head
    assert body == b""
    assert b"transfer-encoding" not in head.lower()


async def test_a_head_answer_tells_the_length_and_has_no_body(stage: Stage) -> None:
    pod = await pod_of(stage)

    async def tell(request: web.BaseRequest) -> web.StreamResponse:
        return web.Response(body=b"x" * 1234)

    pod.handler = tell
    head, body = await exchange(stage, get("/api/chess/", "HEAD"))
    assert b"content-length: 1234" in head.lower()
    assert body == b""


async def test_the_answer_says_nothing_of_the_gateways_own(stage: Stage) -> None:
    pod = await pod_of(stage)

    async def speak(request: web.BaseRequest) -> web.StreamResponse:
        transport = request.transport
        assert transport is not None
        transport.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi")
        transport.close()
        return web.Response()

    pod.handler = speak
    head, body = await exchange(stage, get("/api/chess/"))
    assert body == b"hi"
    names = {line.split(b":")[0].lower() for line in head.split(b"\r\n")[1:]}
    assert not names & {b"server", b"content-type"}


async def test_expect_100_continue_is_answered_when_the_pod_is_there(stage: Stage) -> None:
    pod = await pod_of(stage)
    reader, writer = await asyncio.open_connection("127.0.0.1", stage.service.port)
    writer.write(
        get("/api/chess/", "POST", "Expect: 100-continue", "Content-Length: 5", close=True)
    )
    line = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 10)
    assert line == b"HTTP/1.1 100 Continue\r\n\r\n"
    writer.write(b"hello")
    answer = await asyncio.wait_for(reader.read(), 10)
    assert answer.startswith(b"HTTP/1.1 200")
    assert pod.bodies == [b"hello"]
    writer.close()


async def test_a_refused_expectation_is_not_told_to_continue(stage: Stage) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", stage.service.port)
    writer.write(get("/api/none/", "POST", "Expect: 100-continue", "Content-Length: 5"))
    head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 10)
    writer.close()
    assert head.startswith(b"HTTP/1.1 404")
    assert b"connection: close" in head.lower()


# Streams ------------------------------------------------------------------------------------------


async def test_the_head_of_an_answer_comes_before_its_body(stage: Stage) -> None:
    pod, go = await pod_of(stage), asyncio.Event()

    async def tell(request: web.BaseRequest) -> web.StreamResponse:
        answer = web.StreamResponse()
        await answer.prepare(request)
        await go.wait()
        await answer.write_eof(b"late")
        return answer

    pod.handler = tell
    async with asyncio.timeout(10), stage.get("/api/chess/") as answer:
        assert answer.status == 200
        go.set()
        assert await answer.read() == b"late"


async def test_events_are_passed_on_one_by_one(stage: Stage) -> None:
    pod, seen = await pod_of(stage), asyncio.Event()

    async def tell(request: web.BaseRequest) -> web.StreamResponse:
        answer = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await answer.prepare(request)
        for number in range(5):
            await answer.write(f"data: {number}\n\n".encode())
            await seen.wait()
            seen.clear()
        await answer.write_eof()
        return answer

    pod.handler = tell
    async with asyncio.timeout(10), stage.get("/api/chess/") as answer:
        assert answer.headers["Content-Type"] == "text/event-stream"
        for number in range(5):
            assert await answer.content.readany() == f"data: {number}\n\n".encode()
            seen.set()
        assert await answer.content.read() == b""


async def test_a_request_is_passed_on_while_it_is_still_being_sent(stage: Stage) -> None:
    pod, heard = await pod_of(stage), asyncio.Queue[bytes]()

    async def listen(request: web.BaseRequest) -> web.StreamResponse:
        async for chunk in request.content.iter_any():
            heard.put_nowait(chunk)
        return web.Response()

    async def speak() -> Any:
        for number in range(3):
            yield f"part {number}".encode()
            assert await heard.get() == f"part {number}".encode()

    pod.handler = listen
    async with asyncio.timeout(10), stage.post("/api/chess/", data=speak()) as answer:
        assert answer.status == 200


async def test_who_does_not_read_is_not_read_for(stage: Stage) -> None:
    """Backpressure: the pod can send no more than the buffers on the way hold."""
    pod = await pod_of(stage)
    sent = 0

    async def pour(request: web.BaseRequest) -> web.StreamResponse:
        nonlocal sent
        answer = web.StreamResponse()
        await answer.prepare(request)
        while True:
            await answer.write(b"x" * 100_000)
            sent += 100_000

    pod.handler = pour
    _, writer = await asyncio.open_connection("127.0.0.1", stage.service.port, limit=1000)
    writer.write(get("/api/chess/"))
    last = -1

    async def stands_still() -> bool:
        nonlocal last
        last, before = sent, last
        return sent == before and sent > 0

    await eventually(stands_still, every=0.3)
    assert sent < 50_000_000
    writer.transport.abort()


async def test_a_body_is_not_read_before_there_is_a_pod_for_it(stage: Stage) -> None:
    stage.pod_for = lambda session: None
    _, writer = await asyncio.open_connection("127.0.0.1", stage.service.port)
    writer.write(get("/api/chess/", "POST", "Content-Length: 50000000"))
    written = 0
    try:
        async with asyncio.timeout(1.0):
            while written < 50_000_000:
                writer.write(b"x" * 100_000)
                await writer.drain()
                written += 100_000
    except TimeoutError:
        pass
    assert written < 20_000_000
    writer.transport.abort()


# HTTP/1.0 and connections -------------------------------------------------------------------------


async def test_a_client_of_http_1_0_gets_an_answer_that_ends_with_its_connection(
    stage: Stage,
) -> None:
    pod = await pod_of(stage)

    async def tell(request: web.BaseRequest) -> web.StreamResponse:
        answer = web.StreamResponse()
        await answer.prepare(request)
        await answer.write(b"of unknown ")
        await answer.write_eof(b"length")
        return answer

    pod.handler = tell
    request = get("/api/chess/", "GET", "Connection: keep-alive").replace(b"HTTP/1.1", b"HTTP/1.0")
    reader, writer = await asyncio.open_connection("127.0.0.1", stage.service.port)
    writer.write(request)
    answer = await asyncio.wait_for(reader.read(), 10)
    assert answer.endswith(b"\r\n\r\nof unknown length")
    writer.close()


async def test_requests_of_one_user_share_a_connection_to_the_pod(stage: Stage) -> None:
    pod = await pod_of(stage)
    for _ in range(5):
        async with stage.get("/api/chess/") as answer:
            assert answer.status == 200
    assert pod.connections == 1


# Raw requests -------------------------------------------------------------------------------------


def get(path: str, method: str = "GET", *more: str, close: bool = False) -> bytes:
    """The head of a request as bytes."""
    lines = [f"{method} {path} HTTP/1.1", "Host: x", f"Authorization: {bearer()['Authorization']}"]
    lines += [*more, *(["Connection: close"] if close else [])]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


async def exchange(stage: Stage, request: bytes) -> tuple[bytes, bytes]:
    """Head and body of the answer to one request, on a connection of its own."""
    reader, writer = await asyncio.open_connection("127.0.0.1", stage.service.port)
    head = request.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n", 1)
    writer.write(head)
    answer = await asyncio.wait_for(reader.read(), 10)
    writer.close()
    top, _, body = answer.partition(b"\r\n\r\n")
    return top, body


async def test_an_answer_in_json_is_what_the_pod_said(stage: Stage) -> None:
    pod = await pod_of(stage)
    _, body = await exchange(stage, get("/api/chess/x"))
    assert json.loads(body) == {"pod": pod.ip, "path": "/api/chess/x"}
