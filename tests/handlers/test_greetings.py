"""A pod is told whom it serves by a request of the operator's, before anybody talks to it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from aiohttp import web
from structlog.testing import capture_logs

from gamesession.controller.greetings import TRIES, Patience
from tests.eventually import eventually
from tests.handlers.apiserver import hang_up, refusal
from tests.handlers.gateway.pods import PORT, HttpPod, RawPod, new_address
from tests.handlers.scene import CHESS, POD, SECOND_POD, STATUS, Scene
from tests.unit.plan.objects import (
    Object,
    a_session,
    condition,
    game,
    pod,
    ready_status,
    session,
    warm_pod,
)

GREETS: Object = {
    "services": [{"name": "agent", "port": PORT}, {"name": "live", "port": PORT + 1}],
    "hooks": {"onClaim": {"service": "agent", "path": "/on-claim?a=%2F"}},
}
UID = pod()["metadata"]["uid"]

Listen = Callable[..., Awaitable[Any]]


@pytest.fixture
async def listen() -> AsyncIterator[Listen]:
    """Starts pods that answer for real."""
    pods: list[HttpPod | RawPod] = []

    async def listen(found: HttpPod | RawPod, port: int = PORT) -> Any:
        pods.append(found)
        await found.listen(port)
        return found

    yield listen
    for each in pods:
        await each.stop()


def answers(*statuses: int, text: str = "") -> HttpPod:
    """A pod that answers so, one after the other; the last one for good."""
    left = list(statuses)

    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        found.bodies.append(await request.read())
        return web.Response(status=left.pop(0) if len(left) > 1 else left[0], text=text)

    found = HttpPod(answer)
    return found


def hangs() -> HttpPod:
    """A pod that takes a request and does not answer."""

    async def hang(_: web.BaseRequest) -> web.StreamResponse:
        await asyncio.Event().wait()
        raise AssertionError

    return HttpPod(hang)


def begin(scene: Scene, found: HttpPod | RawPod, *more: Object, **fields: Any) -> Object:
    """A session whose pod has just become ready, and serves at a real address."""
    made = pod(ready=True, ip=found.ip, **fields)
    scene.start(game(**GREETS), session(), made, *more)
    return made


async def look_until(scene: Scene, *reasons: str) -> None:
    """Look at the session whenever the operator asks to, until it is so."""

    async def so() -> bool:
        await scene.look_until_done()
        status = scene.status()
        return bool(status.get("conditions")) and scene.reason()[1] in reasons

    await eventually(so)


async def until_asked(found: HttpPod, times: int = 1) -> None:
    """Until the pod was sent so many requests."""

    async def asked() -> bool:
        return len(found.requests) >= times

    await eventually(asked)


async def until_looked(scene: Scene) -> None:
    """Until the operator asks to look at the session because a visit is over."""

    async def asked() -> bool:
        return (a_session().name, 0) in scene.looks

    await eventually(asked)


# What is sent -----------------------------------------------------------------------------------


@pytest.mark.parametrize("user", ["alice", "J\u00f6 S/\u4e2d"])
async def test_the_pod_is_told_whom_it_serves(scene: Scene, listen: Listen, user: str) -> None:
    found = await listen(answers(204))
    made = pod(of=session(user), ready=True, ip=found.ip)
    scene.start(game(**GREETS), session(user), made)
    await scene.look(user)
    assert scene.server.writes == []
    await until_looked_at(scene, user)
    [request], [body] = found.requests, found.bodies
    asked = a_session(user)
    session_id = f"{user}_chess_{int(asked.created_at.timestamp())}"
    assert (request.method, request.raw_path) == ("POST", "/on-claim?a=%2F")
    assert json.loads(body) == {"session_id": session_id, "user_id": user, "game_id": "chess"}
    told = {
        "X-Game-User": encoded(user),
        "X-Game-Session": encoded(session_id),
        "X-Game-Id": "chess",
        "X-Game-Pod": made["metadata"]["uid"],
        "Idempotency-Key": f"{asked.uid}/{made['metadata']['uid']}",
        "Content-Type": "application/json",
    }
    assert told.items() <= dict(request.headers).items()
    assert len(request.headers["X-Request-Id"]) == 32
    assert "Authorization" not in request.headers
    await scene.look(user)
    assert scene.reason(user) == ("Ready", "PodReady")


async def until_looked_at(scene: Scene, user: str) -> None:
    async def asked() -> bool:
        return (a_session(user).name, 0) in scene.looks

    await eventually(asked)


def encoded(text: str) -> str:
    """Percent-encoded UTF-8, without asking the code under test."""
    plain = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-~"
    return "".join(chr(byte) if byte in plain else f"%{byte:02X}" for byte in text.encode())


async def test_the_port_is_the_one_that_the_pod_was_made_with(scene: Scene, listen: Listen) -> None:
    found = await listen(answers(200), PORT + 2)
    made = pod(ready=True, ip=found.ip)
    made["metadata"]["annotations"]["gamelibrary.io/ports"] = f"agent={PORT + 2},live=1"
    scene.start(game(**GREETS), session(), made)
    await look_until(scene, "PodReady")
    assert len(found.requests) == 1


async def test_a_proxy_of_the_environment_and_cookies_have_no_part(
    scene: Scene, listen: Listen, monkeypatch: pytest.MonkeyPatch
) -> None:
    proxy = await listen(HttpPod())

    async def answer(request: web.BaseRequest) -> web.StreamResponse:
        return web.Response(
            status=200 if len(found.requests) == TRIES else 503,
            headers={"Set-Cookie": "a=b; Path=/"},
        )

    found = await listen(HttpPod(answer))
    begin(scene, found)
    with monkeypatch.context() as environment:
        for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
            environment.setenv(name, f"http://{proxy.ip}:{PORT}")
        await scene.look()
        await until_looked(scene)
    await scene.look()
    assert scene.reason() == ("Ready", "PodReady")
    assert proxy.requests == []
    assert [each.headers.get("Cookie") for each in found.requests] == [None] * TRIES


# What it costs ----------------------------------------------------------------------------------


async def test_a_warm_start_with_it_costs_two_writes(scene: Scene, listen: Listen) -> None:
    found = await listen(answers(200))
    scene.start(game(warmPool={"size": 1}, **GREETS), session())
    await scene.pools.reconcile(CHESS)
    [made] = scene.server.all("pods")
    ready = condition("Ready", "True", "")
    scene.change_pod(made, phase="Running", podIP=found.ip, conditions=[ready])
    before = len(scene.server.writes)
    await look_until(scene, "PodReady")
    assert scene.server.writes[before:] == ["PATCH pods", "PATCH gamesessions/status"]
    assert scene.status()["startKind"] == "Warm"
    assert scene.status()["podUID"] == made["metadata"]["uid"]


async def test_nothing_is_kept_of_sessions_that_serve(scene: Scene, listen: Listen) -> None:
    found = await listen(answers(200))
    begin(scene, found)
    await look_until(scene, "PodReady")
    assert len(scene.greetings) == 0
    await scene.look()
    assert len(found.requests) == 1


async def test_no_look_waits_for_the_pod(scene: Scene, listen: Listen) -> None:
    """Nor is it asked twice when the session is looked at meanwhile."""
    found = await listen(hangs())
    begin(scene, found)
    for _ in range(5):
        await scene.look()
    await until_asked(found)
    await scene.look()
    assert len(found.requests) == 1
    assert scene.server.writes == []


# Refused ----------------------------------------------------------------------------------------


async def test_a_pod_that_refuses_three_times_is_deleted_and_the_next_one_serves(
    scene: Scene, listen: Listen
) -> None:
    first, second = await listen(answers(503, text="no\n more  cards")), await listen(answers(200))
    begin(scene, first)
    with capture_logs() as lines:
        await look_until(scene, "ClaimRefused", "PodStarting")
    words = "HTTP status 503: no more cards"
    assert [each for each in lines if each["event"] == "claim refused"] == [
        {
            "event": "claim refused",
            "log_level": "warning",
            "user": "alice",
            "game": "chess",
            "session": a_session().name,
            "pod": POD,
            "message": words,
        }
    ]
    assert len(first.requests) == TRIES
    assert scene.server.writes[:2] == ["PATCH gamesessions/status", "DELETE pods"]
    told = scene.server.requests[0]
    assert told.url.path == STATUS
    assert (told.data["status"]["podName"], told.data["status"]["failures"]) == (POD, 1)
    [reason] = told.data["status"]["conditions"]
    assert reason["message"] == f"Pod {POD} refused its claim (spec.hooks.onClaim). {words}"
    made = scene.server.objects["pods", CHESS[0], SECOND_POD]
    ready = condition("Ready", "True", "")
    scene.change_pod(made, phase="Running", podIP=second.ip, conditions=[ready])
    await look_until(scene, "PodReady")
    assert scene.status()["podName"] == SECOND_POD
    assert (scene.status()["failures"], len(second.requests)) == (0, 1)
    assert len(first.requests) == TRIES


async def test_a_pod_that_takes_its_user_at_last_serves(scene: Scene, listen: Listen) -> None:
    found = await listen(answers(503, 500, 200))
    begin(scene, found)
    await look_until(scene, "PodReady")
    assert len(found.requests) == TRIES
    keys = {each.headers["Idempotency-Key"] for each in found.requests}
    assert keys == {f"uid-of-alice/{UID}"}
    assert scene.server.writes == ["PATCH gamesessions/status"]


async def test_redirects_are_not_followed(scene: Scene, listen: Listen) -> None:
    other = await listen(answers(200))

    async def redirect(_: web.BaseRequest) -> web.StreamResponse:
        return web.Response(status=307, headers={"Location": f"http://{other.ip}:{PORT}/"})

    begin(scene, await listen(HttpPod(redirect)))
    await look_until(scene, "ClaimRefused", "PodStarting")
    assert other.requests == []


@pytest.mark.parametrize(
    ("status", "text", "words"),
    [
        (404, "", "HTTP status 404."),
        (500, "x" * 5000, "HTTP status 500: " + "x" * 1024),
        (421, "\x00\u00e9", "HTTP status 421: \x00\u00e9"),
    ],
)
async def test_a_refusal_is_told_in_the_pods_first_words(
    scene: Scene, listen: Listen, status: int, text: str, words: str
) -> None:
    begin(scene, await listen(answers(status, text=text)))
    await scene.look()
    await until_looked(scene)
    [known] = scene.greetings.known(a_session()).values()
    assert known.refusal == words


async def drip(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Say no, begin to say why, and never end."""
    writer.write(b"HTTP/1.1 503 Full\r\nContent-Length: 100\r\n\r\nbecau")
    await writer.drain()


async def chatter(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Bytes that are no HTTP."""
    writer.write(b"\x00\xff garbage \r\n\r\n" * 100)
    writer.close()


async def leave(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """The end of the connection for an answer."""
    writer.close()


@pytest.mark.parametrize(
    ("speak", "words"),
    [
        (drip, "HTTP status 503."),
        (chatter, "It does not answer in HTTP."),
        (leave, "Server disconnected."),
    ],
    ids=["drips", "chatters", "leaves"],
)
async def test_a_pod_that_speaks_no_http_refuses(
    scene: Scene, listen: Listen, speak: Any, words: str
) -> None:
    scene.be_patient(Patience(answer=0.2, pause=0))
    begin(scene, await listen(RawPod(speak)))
    await scene.look()
    await until_looked(scene)
    [known] = scene.greetings.known(a_session()).values()
    assert known.refusal == words


async def test_a_pod_that_nobody_answers_at_refuses(scene: Scene) -> None:
    begin(scene, HttpPod(ip=new_address()))
    await scene.look()
    await until_looked(scene)
    [known] = scene.greetings.known(a_session()).values()
    assert "Connect call failed" in known.refusal


async def test_a_pod_that_is_silent_is_asked_three_times(scene: Scene, listen: Listen) -> None:
    scene.be_patient(Patience(answer=0.05, pause=0))
    found = await listen(hangs())
    begin(scene, found)
    await scene.look()
    await until_looked(scene)
    [known] = scene.greetings.known(a_session()).values()
    assert known.refusal == "No answer within 0.05 s."
    assert len(found.requests) == TRIES


def test_three_tries_take_no_more_than_ten_seconds() -> None:
    patience = Patience()
    assert TRIES * patience.answer + (TRIES - 1) * patience.pause <= 10


# Between the pod's answer and the status --------------------------------------------------------


@pytest.mark.parametrize("answer", [refusal(409, "Conflict"), refusal(500, "Fault"), hang_up])
@pytest.mark.parametrize("status", [200, 503])
async def test_what_the_pod_said_is_not_asked_again_when_it_could_not_be_written(
    scene: Scene, listen: Listen, answer: Any, status: int
) -> None:
    found = await listen(answers(status))
    begin(scene, found)
    scene.server[f"patch {STATUS}"][:1] << answer
    await look_until(scene, "PodReady", "PodStarting")
    assert len(found.requests) == (1 if status == 200 else TRIES)
    assert scene.status().get("failures", 0) == (0 if status == 200 else 1)


async def test_an_operator_that_was_killed_in_between_tells_the_pod_again(
    scene: Scene, listen: Listen
) -> None:
    found = await listen(answers(200))
    begin(scene, found)
    await scene.look()
    await until_looked(scene)
    await scene.greetings.close()
    scene.begin()
    scene.tell()
    await look_until(scene, "PodReady")
    keys = [each.headers["Idempotency-Key"] for each in found.requests]
    assert keys == [f"uid-of-alice/{UID}"] * 2


# Broken off -------------------------------------------------------------------------------------


async def test_a_pod_that_is_no_longer_ready_is_not_asked_on_and_has_not_refused(
    scene: Scene, listen: Listen
) -> None:
    found = await listen(hangs())
    made = begin(scene, found)
    await scene.look()
    await until_asked(found)
    unready = condition("Ready", "False", "", since=1)
    scene.change_pod(made, conditions=[unready])
    await scene.look()
    assert len(scene.greetings) == 0
    await until_over(scene)
    assert scene.status().get("failures", 0) == 0
    scene.change_pod(made, conditions=[condition("Ready", "True", "", since=2)])
    await scene.look()
    await until_asked(found, 2)


async def test_of_a_pod_that_is_deleted_meanwhile_nobody_hears_again(
    scene: Scene, listen: Listen
) -> None:
    found = await listen(hangs())
    made = begin(scene, found)
    await scene.look()
    await until_asked(found)
    scene.server.remove(made)
    scene.tell()
    await scene.look_until_done()
    await until_over(scene)
    assert scene.status().get("failures", 0) == 0
    assert scene.status()["podUID"] == scene.server.one("pods")["metadata"]["uid"] != UID


@pytest.mark.parametrize("gone", [False, True])
async def test_a_session_that_ends_meanwhile_ends_it(
    scene: Scene, listen: Listen, gone: bool
) -> None:
    found = await listen(hangs())
    begin(scene, found)
    await scene.look()
    await until_asked(found)
    scene.queue.tasks.clear()
    if gone:
        scene.server.remove(scene.server.one("gamesessions"))
    else:
        scene.server.store(session(deleting=True))
    scene.tell()
    assert ("session", (CHESS[0], a_session().name)) in scene.queue.tasks
    await scene.look()
    await until_over(scene)
    assert len(scene.greetings) == 0
    assert scene.server.writes == []


async def test_the_next_life_is_told_though_its_pod_bears_the_same_address(
    scene: Scene, listen: Listen
) -> None:
    found = await listen(hangs())
    begin(scene, found)
    await scene.look()
    await until_asked(found)
    again = session(uid="uid-of-the-next-life")
    made = pod(of=again, uid="uid-of-its-pod", ready=True, ip=found.ip)
    scene.server.remove(scene.server.one("pods"))
    scene.start(again, made)
    await scene.look()
    await until_asked(found, 2)
    keys = [each.headers["Idempotency-Key"] for each in found.requests]
    assert keys == [f"uid-of-alice/{UID}", "uid-of-the-next-life/uid-of-its-pod"]


async def test_an_operator_that_has_stopped_asks_nobody(scene: Scene, listen: Listen) -> None:
    found = await listen(answers(503))
    scene.be_patient(Patience(answer=5, pause=3600))
    begin(scene, found)
    await scene.look()
    await until_asked(found)
    await scene.greetings.close()
    await until_over(scene)
    await scene.look()
    assert len(scene.greetings) == 0
    assert len(found.requests) == 1
    assert scene.looks == [(a_session().name, 120)] * 2


async def until_over(scene: Scene) -> None:
    """Until no request is under way."""

    async def over() -> bool:
        return scene.greetings.under_way == 0

    await eventually(over)


# Who is not asked -------------------------------------------------------------------------------


async def test_a_session_that_is_ready_when_the_operator_begins_is_not_told(
    scene: Scene, listen: Listen
) -> None:
    found = await listen(answers(200))
    made = pod(ready=True, ip=found.ip)
    status = ready_status(made) | {"services": {"agent": f"{found.ip}:{PORT}"}}
    scene.start(game(**GREETS), session(status=status), made)
    await scene.look()
    assert (len(scene.greetings), scene.server.requests, found.requests) == (0, [], [])


async def test_a_pod_that_only_waits_is_told_nothing(scene: Scene, listen: Listen) -> None:
    found = await listen(answers(200))
    greets = game(warmPool={"size": 1}, **GREETS)
    scene.start(greets, warm_pod(of=greets, ready=True, ip=found.ip))
    await scene.pools.reconcile(CHESS)
    assert (len(scene.greetings), found.requests) == (0, [])
