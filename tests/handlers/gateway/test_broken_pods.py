"""Pods that answer garbage, stall, hang up, vanish, or are someone else's by now."""

from __future__ import annotations

import asyncio
import json
import socket
import struct
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from gamesession.api.instant import format_instant
from gamesession.kube.cluster import Object
from tests.eventually import eventually
from tests.handlers.gateway.pods import HttpPod, RawPod, new_address
from tests.handlers.gateway.stage import Stage, bearer

Speak = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def says(*parts: bytes, then_wait: bool = False) -> Speak:
    """A pod that says this, part by part, to every request, and hangs up."""

    async def speak(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        for part in parts:
            writer.write(part)
            await asyncio.sleep(0.05)  # so that they arrive apart
        if then_wait:
            await reader.read()
        writer.close()

    return speak


def resets(answer: bytes) -> Speak:
    """A pod that says this and breaks the connection with a reset."""

    async def speak(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        await writer.drain()
        sock = writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        writer.transport.abort()

    return speak


async def code_of(stage: Stage, method: str = "GET", **of: Any) -> tuple[int, str]:
    """Status and error code of an answer."""
    async with stage.request(method, "/api/chess/", **of) as answer:
        body = json.loads(await answer.read())
        return answer.status, body["error"]["code"]


# No answer ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"SSH-2.0-OpenSSH_9.2\r\n\r\n",
        b"HTTP/1.1 two hundred OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nNo colon here\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX-Long: " + b"x" * 100_000 + b"\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX-Half: of a he",
        b"HTTP/1.1 200 OK\r\nX-Control: \x01\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 O\x7fK\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
        b"\x00\x01\x02\x03\r\n\r\n",
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_garbage_is_unreachable(stage: Stage, answer: bytes, method: str) -> None:
    await stage.add_session(pod=RawPod(says(answer)))
    assert await code_of(stage, method) == (502, "upstream_unreachable")


async def test_a_pod_that_stalls_before_its_answer_is_a_timeout() -> None:
    async with Stage(response_timeout=timedelta(seconds=0.3)) as stage:
        await stage.add_game()
        await stage.add_session(pod=RawPod(says(b"", then_wait=True)))
        assert await code_of(stage) == (504, "upstream_timeout")


async def test_a_slow_upload_is_no_stall_of_the_pod() -> None:
    """The time that the pod has begins when the client has sent all."""

    async def slowly() -> Any:
        for _ in range(4):
            yield b"x"
            await asyncio.sleep(0.2)

    async with Stage(response_timeout=timedelta(seconds=0.5)) as stage:
        await stage.add_game()
        await stage.add_session()
        async with stage.post("/api/chess/", data=slowly()) as answer:
            assert answer.status == 200


async def test_a_pod_that_does_not_read_a_body_is_a_timeout() -> None:
    async def ignore(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(3600)

    async with Stage(response_timeout=timedelta(seconds=0.3)) as stage:
        await stage.add_game()
        await stage.add_session(pod=RawPod(ignore))
        body = b"x" * 20_000_000
        assert await code_of(stage, "POST", data=body) == (504, "upstream_timeout")


async def test_a_client_that_stalls_in_its_body_is_told_so() -> None:
    async def stall() -> Any:
        yield b"x"
        await asyncio.sleep(3600)

    async with Stage(idle_stream_timeout=timedelta(seconds=0.3)) as stage:
        await stage.add_game()
        await stage.add_session()
        assert await code_of(stage, "POST", data=stall()) == (400, "bad_request")


# Half an answer -----------------------------------------------------------------------------------

CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"
COUNTED = b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello"
UNCOUNTED = b"HTTP/1.1 200 OK\r\n\r\nhello"


@pytest.mark.parametrize(
    "speak",
    [
        says(CHUNKED),
        says(COUNTED),
        resets(CHUNKED),
        resets(COUNTED),
        resets(UNCOUNTED),
        says(CHUNKED + b"not a chunk\r\n", then_wait=True),
        says(CHUNKED, b"not a chunk\r\n", then_wait=True),
    ],
    ids=[
        "chunked",
        "counted",
        "chunked-reset",
        "counted-reset",
        "uncounted-reset",
        "bad-chunk",
        "bad-chunk-later",
    ],
)
@pytest.mark.parametrize("version", ["1.1", "1.0"])
async def test_half_an_answer_never_looks_whole(stage: Stage, speak: Speak, version: str) -> None:
    await stage.add_session(pod=RawPod(speak))
    assert not await looks_whole(stage, version)


@pytest.mark.parametrize("version", ["1.1", "1.0"])
@pytest.mark.parametrize(
    "answer",
    [CHUNKED + b"0\r\n\r\n", COUNTED + b"world", UNCOUNTED],
    ids=["chunked", "counted", "uncounted"],
)
async def test_a_whole_answer_looks_whole(stage: Stage, answer: bytes, version: str) -> None:
    """What the test above looks at can tell the two apart."""
    await stage.add_session(pod=RawPod(says(answer)))
    assert await looks_whole(stage, version)


async def test_an_answer_that_stalls_in_its_midst_is_broken_off() -> None:
    async with Stage(idle_stream_timeout=timedelta(seconds=0.3)) as stage:
        await stage.add_game()
        await stage.add_session(pod=RawPod(says(CHUNKED, then_wait=True)))
        assert not await looks_whole(stage, "1.1")


async def looks_whole(stage: Stage, version: str) -> bool:
    """Whether a client takes what it gets for the whole answer."""
    reader, writer = await asyncio.open_connection("127.0.0.1", stage.service.port)
    head = f"GET /api/chess/ HTTP/{version}\r\nHost: x\r\n"
    head += f"Authorization: {bearer()['Authorization']}\r\nConnection: close\r\n\r\n"
    writer.write(head.encode())
    try:
        answer = await asyncio.wait_for(reader.read(), 10)
    except ConnectionResetError:
        return False
    finally:
        writer.close()
    top, _, body = answer.partition(b"\r\n\r\n")
    assert top.startswith(b"HTTP/1.")
    if b" 502 " in top.split(b"\r\n")[0]:
        return False  # an honest error
    if b"chunked" in top.lower():
        return body.endswith(b"0\r\n\r\n")
    if b"content-length: " in top.lower():
        return len(body) == int(top.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
    return True


# A client that goes -------------------------------------------------------------------------------


async def test_a_client_that_goes_ends_the_request_at_the_pod(stage: Stage) -> None:
    ended = asyncio.Event()

    async def until_eof(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(CHUNKED)
        await reader.read()
        ended.set()

    await stage.add_session(pod=RawPod(until_eof))
    async with stage.get("/api/chess/") as answer:
        assert await answer.content.readany() == b"hello"
        answer.close()
    await asyncio.wait_for(ended.wait(), 10)


async def test_a_client_that_does_not_read_is_not_waited_for_for_ever() -> None:
    """It would keep its session, and what it does not read in our memory, without end."""
    ended = asyncio.Event()

    async def endless(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        try:
            while True:
                writer.write(b"x" * 100_000)
                await writer.drain()
        except ConnectionError:
            ended.set()

    async with Stage(idle_stream_timeout=timedelta(seconds=0.5)) as stage:
        await stage.add_game()
        await stage.add_session(pod=RawPod(endless))
        async with stage.get("/api/chess/") as answer:
            assert answer.status == 200
            await asyncio.wait_for(ended.wait(), 15)


# A pod that goes ----------------------------------------------------------------------------------


async def test_what_was_not_sent_goes_to_the_pod_that_replaces_it(stage: Stage) -> None:
    """The pod takes no connections any more, and nobody knows it yet: any method may wait."""
    await stage.add_session(name="s")
    (old,) = stage.pods.values()
    await old.stop()
    asking = asyncio.create_task(code_and_pod(stage, "POST", data=b"hello"))
    await eventually(lambda: waits(stage))
    new = HttpPod()
    await replace_pod(stage, "s", new)
    assert await asking == (200, new.ip)
    assert new.bodies == [b"hello"]


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "OPTIONS"])
async def test_an_idempotent_request_that_got_no_answer_goes_to_the_replacement(
    stage: Stage, method: str
) -> None:
    pod = await dying_pod(stage)
    asking = asyncio.create_task(code_and_pod(stage, method))
    await eventually(lambda: waits(stage))
    new = HttpPod()
    await replace_pod(stage, "s", new)
    assert (await asking)[0] == 200
    assert pod.killed
    assert [request.method for request in new.requests] == [method]


@pytest.mark.parametrize(("method", "moves"), [("GET", True), ("DELETE", True), ("POST", False)])
async def test_a_request_that_a_lost_pod_never_answered_goes_on_if_it_may(
    stage: Stage, method: str, moves: bool
) -> None:
    """The pod's node is gone: nobody hangs up, but the pod is removed and replaced."""
    asked = asyncio.Event()

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if await reader.read(10_000):
            asked.set()
        await reader.read()

    await stage.add_session(name="s", pod=RawPod(silent))
    asking = asyncio.create_task(outcome(stage, method))
    await asyncio.wait_for(asked.wait(), 10)
    new = HttpPod()
    await replace_pod(stage, "s", new)
    assert await asking == (200 if moves else 502)
    assert [request.method for request in new.requests] == ([method] if moves else [])


async def outcome(stage: Stage, method: str) -> int:
    async with stage.request(method, "/api/chess/") as answer:
        await answer.read()
        return int(answer.status)


@pytest.mark.parametrize(("method", "body"), [("POST", None), ("PATCH", b"x"), ("PUT", b"x")])
async def test_what_may_have_had_an_effect_is_not_sent_again(
    stage: Stage, method: str, body: bytes | None
) -> None:
    await dying_pod(stage)
    assert await code_of(stage, method, data=body) == (502, "upstream_unreachable")


async def test_a_pod_that_hangs_up_and_lives_on_gets_a_request_no_third_time(
    stage: Stage,
) -> None:
    heard = []

    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if data := await reader.read(10_000):
            heard.append(data)
        writer.close()

    await stage.add_session(pod=RawPod(hang_up))
    assert await code_of(stage) == (502, "upstream_unreachable")
    assert 1 <= len(heard) <= 2  # HTTP lets a client repeat once (RFC 9110, 9.2.2)


class DyingPod(RawPod):
    """A pod that dies of its first request."""

    def __init__(self) -> None:
        super().__init__(self._die)
        self.killed = False

    async def _die(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        self.killed = True
        await self.stop()
        writer.transport.abort()


async def dying_pod(stage: Stage) -> DyingPod:
    pod = DyingPod()
    await stage.add_session(name="s", pod=pod)
    return pod


async def code_and_pod(stage: Stage, method: str, **of: Any) -> tuple[int, str]:
    async with stage.request(method, "/api/chess/", **of) as answer:
        body = await answer.read()
        return answer.status, json.loads(body)["pod"] if body else ""


async def waits(stage: Stage) -> bool:
    return stage.service.holds.places.taken("chess") == 1


async def replace_pod(stage: Stage, name: str, pod: HttpPod) -> None:
    """What the operator does when a pod is lost."""
    old = stage.api.objects["gamesessions"][name]["status"]["podName"]
    stage.api.remove("pods", old)
    await stage.bind(name, pod)


async def test_a_pod_that_refuses_though_ready_is_unreachable_in_the_end() -> None:
    async with Stage(connect_timeout=timedelta(seconds=0.2)) as stage:
        await stage.add_game()
        await stage.add_session()
        (pod,) = stage.pods.values()
        await pod.stop()
        assert await code_of(stage) == (502, "upstream_unreachable")


async def test_a_pod_on_its_way_out_gets_no_new_requests_and_finishes_the_old(
    stage: Stage,
) -> None:
    old, go = HttpPod(), asyncio.Event()

    async def slowly(request: web.BaseRequest) -> web.StreamResponse:
        await go.wait()
        return web.json_response({"pod": old.ip})

    old.handler = slowly
    await stage.add_session(name="s", pod=old)
    first = asyncio.create_task(code_and_pod(stage, "GET"))
    await eventually(lambda: has_request(old))
    pod = stage.api.objects["gamesessions"]["s"]["status"]["podName"]
    stage.api.change("pods", pod, mark_deleted)
    second = asyncio.create_task(code_and_pod(stage, "GET"))
    await eventually(lambda: waits(stage))
    go.set()
    assert await first == (200, old.ip)
    new = HttpPod()
    await stage.bind("s", new)
    assert await second == (200, new.ip)
    assert len(old.requests) == 1


async def has_request(pod: HttpPod) -> bool:
    return len(pod.requests) == 1


def mark_deleted(found: Object) -> None:
    found["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"


@pytest.mark.parametrize("phase", ["Failed", "Succeeded"])
async def test_a_pod_that_has_stopped_is_not_dialled(stage: Stage, phase: str) -> None:
    await stage.add_session(name="s")
    (old,) = stage.pods.values()
    assert isinstance(old, HttpPod)
    pod = stage.api.objects["gamesessions"]["s"]["status"]["podName"]
    stage.api.change("pods", pod, lambda found: found["status"].update(phase=phase))
    asking = asyncio.create_task(code_and_pod(stage, "GET"))
    await eventually(lambda: waits(stage))
    new = HttpPod()
    await stage.bind("s", new)
    assert await asking == (200, new.ip)
    assert old.requests == []


async def test_connections_are_not_kept_beyond_the_pod_that_they_lead_to(stage: Stage) -> None:
    """An address may be another user's a moment later: no connection is handed on."""
    pod = HttpPod()
    await stage.add_session("alice", name="a", pod=pod)
    async with stage.get("/api/chess/", "alice") as answer:
        assert answer.status == 200
    stage.api.remove("pods", stage.api.objects["gamesessions"]["a"]["status"]["podName"])
    stage.api.remove("gamesessions", "a")
    stage.api.put(
        "gamesessions",
        {"metadata": {"name": "b"}, "spec": {"user": "bob", "game": "chess"}, "status": {}},
    )
    made = stage.give_pod("b", pod)
    stage.set_ready("b", made)
    await stage.until_ready("bob")
    async with stage.get("/api/chess/", "bob") as answer:
        assert answer.status == 200
    assert pod.connections == 2
    assert pod.requests[-1].headers["X-Game-User"] == "bob"


# Someone else's pod -------------------------------------------------------------------------------


async def test_of_two_sessions_with_one_address_neither_is_dialled(stage: Stage) -> None:
    pod = HttpPod()
    await stage.add_session("alice", name="a", pod=pod)
    stage.api.put(
        "gamesessions",
        {"metadata": {"name": "b"}, "spec": {"user": "bob", "game": "chess"}, "status": {}},
    )
    twin = stage.give_pod("b", pod)
    stage.set_ready("b", twin)

    async def known() -> bool:
        session = stage.service.directory.find("chess", "bob")
        return session is not None and session.phase == "Ready"

    await eventually(known)
    asking = [asyncio.create_task(code_and_user(stage, user)) for user in ("alice", "bob")]

    async def both_wait() -> bool:
        return stage.service.holds.places.taken("chess") == 2

    await eventually(both_wait)
    assert pod.requests == []
    # It is resolved: bob's pod says where it really is.
    other = HttpPod(ip=new_address())
    await other.listen()
    stage.api.change(
        "pods", twin["metadata"]["name"], lambda found: found["status"].update(podIP=other.ip)
    )
    assert await asyncio.gather(*asking) == [(200, pod.ip), (200, other.ip)]
    assert {request.headers["X-Game-User"] for request in pod.requests} == {"alice"}
    await other.stop()


async def test_an_address_that_changes_hands_during_the_write_before_a_request_is_not_dialled(
    stage: Stage,
) -> None:
    """Close to its deadline, alice's request waits for a write of her activity. Meanwhile her pod
    goes, and bob's gets its address."""
    stale = format_instant(datetime.now(UTC) - timedelta(minutes=29))
    alices, bobs = HttpPod(), HttpPod()
    await stage.add_session("alice", name="a", pod=alices, lastActivity=stale)
    writes, go = asyncio.Event(), asyncio.Event()

    async def hang(request: web.Request) -> web.StreamResponse | None:
        if request.method == "PATCH":
            writes.set()
            await go.wait()
        return None

    stage.api.faults.append(hang)
    asking = asyncio.create_task(code_and_user(stage, "alice"))
    await asyncio.wait_for(writes.wait(), 10)
    stage.api.remove("pods", stage.api.objects["gamesessions"]["a"]["status"]["podName"])
    await alices.stop()
    bobs.ip = alices.ip
    await stage.add_session("bob", name="b", pod=bobs)
    go.set()

    async def waits_or_is_answered() -> bool:
        return stage.service.holds.places.taken("chess") == 1 or asking.done()

    await eventually(waits_or_is_answered)
    assert bobs.requests == []
    new = HttpPod()
    await stage.bind("a", new)
    assert await asking == (200, new.ip)


async def code_and_user(stage: Stage, user: str) -> tuple[int, str]:
    async with stage.get("/api/chess/", user) as answer:
        return answer.status, (await answer.json())["pod"]


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_pod_that_says_421_makes_the_gateway_look_again(stage: Stage, method: str) -> None:
    """Our picture is old: the address is another's by now, and the API server knows it."""
    wrong, right = HttpPod(), HttpPod()

    async def not_mine(request: web.BaseRequest) -> web.StreamResponse:
        return web.Response(status=421)

    wrong.handler = not_mine
    await stage.add_session(name="s", pod=wrong)
    await right.listen()
    held_back = hold_back_watches(stage)
    pod = stage.api.objects["gamesessions"]["s"]["status"]["podName"]
    stage.api.change("pods", pod, lambda found: found["status"].update(podIP=right.ip))
    assert await code_and_pod(stage, method) == (200, right.ip)
    assert len(wrong.requests) == 1
    held_back()
    await right.stop()


def hold_back_watches(stage: Stage) -> Callable[[], None]:
    """From now on watches tell nothing; until what is returned is called."""
    told = stage.api._tell

    def silently(kind: str, plural: str, found: Object) -> None:
        stage.api._version += 1
        found["metadata"]["resourceVersion"] = str(stage.api._version)

    stage.api._tell = silently  # type: ignore[method-assign]

    def again() -> None:
        stage.api._tell = told  # type: ignore[method-assign]

    return again


async def test_a_pod_that_keeps_saying_421_is_unreachable(stage: Stage) -> None:
    wrong = HttpPod()

    async def not_mine(request: web.BaseRequest) -> web.StreamResponse:
        return web.Response(status=421)

    wrong.handler = not_mine
    await stage.add_session(pod=wrong)
    assert await code_of(stage) == (502, "upstream_unreachable")
    assert len(wrong.requests) == 1


async def test_a_body_that_a_pod_refused_with_421_is_not_sent_again(stage: Stage) -> None:
    """It went by and nobody has it any more; but the next request finds its pod."""
    wrong, right = HttpPod(), HttpPod()
    answers = 0

    async def not_mine(request: web.BaseRequest) -> web.StreamResponse:
        nonlocal answers
        answers += 1
        await request.read()
        return web.Response(status=421, body=b"not mine")

    wrong.handler = not_mine
    await stage.add_session(name="s", pod=wrong)
    await right.listen()
    held_back = hold_back_watches(stage)
    pod = stage.api.objects["gamesessions"]["s"]["status"]["podName"]
    stage.api.change("pods", pod, lambda found: found["status"].update(podIP=right.ip))
    assert await code_of(stage, "POST", data=b"move") == (502, "upstream_unreachable")
    assert answers == 1
    assert right.requests == []
    assert await code_and_pod(stage, "POST", data=b"move") == (200, right.ip)
    assert right.bodies == [b"move"]
    held_back()
    await right.stop()


@pytest.mark.parametrize("of", [{}, {"data": b"move"}], ids=["no body", "a body"])
async def test_a_pod_that_always_says_421_is_asked_once_a_request(
    stage: Stage, of: dict[str, Any]
) -> None:
    wrong = HttpPod()

    async def not_mine(request: web.BaseRequest) -> web.StreamResponse:
        return web.Response(status=421)

    wrong.handler = not_mine
    await stage.add_session(pod=wrong)
    for asked in (1, 2, 3):
        assert await code_of(stage, "POST", **of) == (502, "upstream_unreachable")
        assert len(wrong.requests) == asked


async def test_a_session_that_is_deleted_while_it_is_waited_for_is_made_anew(
    stage: Stage,
) -> None:
    stage.pod_for = lambda session: None
    asking = asyncio.create_task(code_and_pod(stage, "GET"))
    await eventually(lambda: waits(stage))

    async def made() -> Object:
        return stage.session()

    first = await eventually(made)
    stage.pod_for = lambda session: HttpPod()
    stage.api.remove("gamesessions", first["metadata"]["name"])
    assert (await asking)[0] == 200
    assert stage.session()["metadata"]["uid"] != first["metadata"]["uid"]


async def test_what_a_pod_answers_comes_back_whatever_its_status(stage: Stage) -> None:
    pod = HttpPod()

    async def fail(request: web.BaseRequest) -> web.StreamResponse:
        return web.json_response({"error": "mine"}, status=503)

    pod.handler = fail
    await stage.add_session(pod=pod)
    async with stage.get("/api/chess/") as answer:
        assert isinstance(answer, aiohttp.ClientResponse)
        assert (answer.status, await answer.json()) == (503, {"error": "mine"})
    assert len(pod.requests) == 1
