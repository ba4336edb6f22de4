"""Waiting for a pod: when it is dialled, how, and who gives up."""

from __future__ import annotations

import asyncio
import json
import socket
import struct
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from aiohttp import web
from prometheus_client import REGISTRY

from gamesession.gateway import dial
from gamesession.kube.cluster import Object
from gamesession.plan.session import Session
from tests.eventually import eventually
from tests.handlers.gateway.pods import PORT, HttpPod, RawPod, pod_object
from tests.handlers.gateway.stage import Stage, bearer


@pytest.fixture
async def slow(stage: Stage) -> Stage:
    """A stage on which sessions stay Pending until a test gives them a pod."""
    stage.pod_for = lambda session: None
    return stage


async def ask(stage: Stage, path: str = "/api/chess/", user: str = "alice") -> tuple[int, Any, str]:
    """Status, body and start of an answer."""
    async with stage.get(path, user) as answer:
        return (
            answer.status,
            json.loads(await answer.read()),
            answer.headers.get("X-Game-Start", ""),
        )


async def asking(stage: Stage, *of: Any) -> tuple[asyncio.Task[tuple[int, Any, str]], str]:
    """A request that waits, and the name of the session that it waits for."""
    task = asyncio.create_task(ask(stage, *of))

    async def made() -> str | None:
        found = stage.api.objects["gamesessions"]
        return next(iter(found)) if found and stage.service.holds.places.taken("chess") else None

    return task, await eventually(made)


def with_probe(pod: Object, probe: dict[str, Any]) -> None:
    """Give a pod's container a readiness probe."""
    pod["spec"]["containers"][0]["readinessProbe"] = probe


async def test_a_pod_that_answers_is_used_before_anyone_says_that_it_is_ready(slow: Stage) -> None:
    task, name = await asking(slow)
    pod = HttpPod()
    await pod.listen()
    slow.give_pod(name, pod)
    code, body, start = await task
    assert (code, body["pod"], start) == (200, pod.ip, "cold")
    assert slow.session()["status"]["phase"] == "Starting"


async def test_a_pod_is_dialled_until_it_answers(
    slow: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    outcomes: list[bool] = []
    connect = dial._connect

    async def noted(ip: str, port: int) -> None:
        outcomes.append(False)
        await connect(ip, port)
        outcomes[-1] = True

    monkeypatch.setattr(dial, "_connect", noted)
    task, name = await asking(slow)
    pod = HttpPod()
    slow.give_pod(name, pod)

    async def refused() -> bool:
        return len(outcomes) >= 3

    await eventually(refused)
    await pod.listen()
    assert (await task)[0] == 200
    assert outcomes == [False] * (len(outcomes) - 1) + [True]
    assert len(pod.requests) == 1  # without a probe, dialling says nothing in HTTP


async def test_an_address_that_comes_later_is_dialled_when_it_comes(slow: Stage) -> None:
    task, name = await asking(slow)
    pod = HttpPod()
    await pod.listen()
    made = slow.give_pod(name, pod, ip="")

    def placed(found: Object) -> None:
        found["status"]["podIP"] = pod.ip

    made["status"].pop("podIP", None)
    slow.api.change("pods", made["metadata"]["name"], lambda found: found["status"].pop("podIP", 0))
    slow.api.change("pods", made["metadata"]["name"], placed)
    assert (await task)[0] == 200


async def test_a_change_between_an_answer_and_its_hearing_is_not_missed(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who shares the making of a session hears of it a moment later. By then it may have its pod,
    and nothing more may change that would wake who waits for the next change."""
    await stage.add_session()
    holds, game = stage.service.holds, stage.service.directory.games.get("chess")
    assert game is not None
    ensure = holds._sessions.ensure
    told: list[Session] = []

    async def tell_late(*of: Any) -> Session:
        session = await ensure(*of)
        told.append(session if told else replace(session, phase="Pending", pod_uid=""))
        return told[-1]

    monkeypatch.setattr(holds._sessions, "ensure", tell_late)
    target = await asyncio.wait_for(holds.wait(game, game.spec.services[0], "alice"), 10)
    assert target.session == stage.service.directory.find("chess", "alice")


async def test_nothing_is_remembered_of_a_pod_that_goes_while_it_is_dialled(
    slow: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    dialled, go = asyncio.Event(), asyncio.Event()

    async def connect_late(ip: str, port: int) -> None:
        dialled.set()
        await go.wait()

    monkeypatch.setattr(dial, "CONNECT_SECONDS", 60.0)
    monkeypatch.setattr(dial, "_connect", connect_late)
    task, name = await asking(slow)
    made = slow.give_pod(name, HttpPod())
    await asyncio.wait_for(dialled.wait(), 10)
    slow.api.remove("pods", made["metadata"]["name"])

    async def gone() -> bool:
        return slow.service.directory.pods.get(made["metadata"]["name"]) is None

    await eventually(gone)
    go.set()
    dials = slow.service.holds._dials

    async def landed() -> bool:
        return not dials._flights._under_way

    await eventually(landed)
    assert dials._answering == {}
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_the_readiness_probe_of_the_container_decides(slow: Stage) -> None:
    """The port takes connections, but the service is not ready: 503 at its probe."""
    task, name = await asking(slow)
    pod, ready = HttpPod(), asyncio.Event()

    async def tell(request: web.BaseRequest) -> web.StreamResponse:
        if request.raw_path == "/healthz?deep=1":
            return web.Response(status=200 if ready.is_set() else 503)
        return await pod.tell(request)

    pod.handler = tell
    await pod.listen()
    made = slow.give_pod(name, pod)
    probe = {
        "httpGet": {
            "path": "/healthz?deep=1",
            "port": PORT,
            "httpHeaders": [{"name": "X-Probe", "value": "yes"}],
        }
    }
    slow.api.change("pods", made["metadata"]["name"], lambda found: with_probe(found, probe))

    async def probed() -> bool:
        return len([r for r in pod.requests if r.raw_path.startswith("/healthz")]) >= 3

    await eventually(probed)
    assert not task.done()
    assert all(request.raw_path != "/api/chess/" for request in pod.requests)
    assert pod.requests[-1].headers["X-Probe"] == "yes"
    assert "X-Game-User" not in pod.requests[-1].headers
    ready.set()
    assert (await task)[0] == 200


@pytest.mark.parametrize("status", [200, 204, 301, 399])
async def test_what_the_kubelet_takes_for_success_is_success(slow: Stage, status: int) -> None:
    task, name = await asking(slow)
    pod = HttpPod()

    async def tell(request: web.BaseRequest) -> web.StreamResponse:
        if request.raw_path == "/healthz":
            return web.Response(status=status, headers={"Location": "http://elsewhere.invalid/"})
        return await pod.tell(request)

    pod.handler = tell
    await pod.listen()
    probe = {"httpGet": {"path": "/healthz", "port": PORT}}
    made = slow.give_pod(name, pod)
    slow.api.change("pods", made["metadata"]["name"], lambda found: with_probe(found, probe))
    assert (await task)[0] == 200


async def test_many_who_wait_share_one_dial(slow: Stage) -> None:
    connections = 0

    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        writer.close()

    tasks = [asyncio.create_task(ask(slow)) for _ in range(20)]
    _, name = await asking(slow)
    pod = RawPod(refuse)
    await pod.listen()
    made = slow.give_pod(name, pod)
    probe = {"httpGet": {"path": "/healthz", "port": PORT}}
    slow.api.change("pods", made["metadata"]["name"], lambda found: with_probe(found, probe))
    began, before = asyncio.get_running_loop().time(), connections

    async def enough() -> bool:
        return connections - before >= 10

    await eventually(enough)
    # One dial every 25 ms at most; twenty of their own would be ten in 25 ms.
    assert asyncio.get_running_loop().time() - began > 0.1
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def test_with_on_claim_nobody_talks_to_the_pod_before_it_is_ready(slow: Stage) -> None:
    await slow.add_game("chess", hooks={"onClaim": {"service": "main", "path": "/claim"}})
    task, name = await asking(slow)
    pod = HttpPod()
    await pod.listen()
    made = slow.give_pod(name, pod)

    async def starting() -> bool:
        session = slow.service.directory.find("chess", "alice")
        return session is not None and slow.service.directory.pod_of(session) is not None

    await eventually(starting)
    assert pod.requests == []
    assert pod.connections == 0
    slow.set_ready(name, made)
    assert (await task)[0] == 200


async def test_a_warm_start_says_so(slow: Stage) -> None:
    task, name = await asking(slow)
    pod = HttpPod()
    await pod.listen()
    slow.pods["warm"] = pod
    made = slow.api.put("pods", pod_object("warm", pod.ip))
    slow.api.change("gamesessions", name, lambda found: found.update(status=claimed(made)))
    assert (await task)[2] == "warm"


def claimed(pod: Object) -> dict[str, Any]:
    """The status of a session that got a warm pod."""
    return {
        "phase": "Starting",
        "startKind": "Warm",
        "podName": pod["metadata"]["name"],
        "podUID": pod["metadata"]["uid"],
    }


async def test_only_the_pod_that_the_status_names_is_dialled(slow: Stage) -> None:
    """The session has two for a moment, as after a crash of the operator."""
    task, name = await asking(slow)
    wrong, right = HttpPod(), HttpPod()
    for pod in (wrong, right):
        await pod.listen()
        slow.pods[pod.ip] = pod
    unbound = slow.api.put("pods", pod_object("unbound", wrong.ip))
    pods = slow.service.directory.pods

    async def known() -> bool:
        return pods.get("unbound") is not None

    await eventually(known)
    slow.give_pod(name, right)
    assert (await task)[1]["pod"] == right.ip
    assert (wrong.connections, wrong.requests) == (0, [])
    assert unbound["metadata"]["uid"] != slow.session()["status"]["podUID"]


async def test_a_hold_begins_anew_for_every_request() -> None:
    async with Stage(hold=timedelta(seconds=0.2)) as stage:
        stage.pod_for = lambda session: None
        await stage.add_game()
        for _ in range(2):
            code, body, _ = await ask(stage)
            assert (code, body["error"]["code"]) == (503, "session_starting")
        assert stage.api.count("create", "gamesessions") == 1


# Giving up ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("length", "linger"),
    [(0, False), (0, True), (500_000, False), (10_000_000, True)],
    ids=["closes", "resets", "closes after a body", "resets in a body that fills all buffers"],
)
async def test_an_abandoned_wait_frees_its_place(slow: Stage, length: int, linger: bool) -> None:
    """Also when nobody reads from the connection, because its body has filled our buffers."""
    _, writer = await asyncio.open_connection("127.0.0.1", slow.service.port)
    head = f"POST /api/chess/ HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n"
    head += f"Authorization: {bearer()['Authorization']}\r\n\r\n"
    writer.write(head.encode() + b"x" * length)
    places = slow.service.holds.places

    async def taken() -> bool:
        return places.taken("chess") == 1

    async def free() -> bool:
        return places.taken("chess") == 0

    await eventually(taken)
    if linger:
        sock = writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        writer.transport.abort()
    else:
        await writer.drain()
        writer.close()
    await eventually(free, deadline=10)


async def test_who_leaves_does_not_end_the_wait_of_the_others(slow: Stage) -> None:
    first, name = await asking(slow)
    second = asyncio.create_task(ask(slow))

    async def both() -> bool:
        return slow.service.holds.places.taken("chess") == 2

    await eventually(both)
    first.cancel()
    await asyncio.gather(first, return_exceptions=True)
    await slow.bind(name, HttpPod())
    assert (await second)[0] == 200


async def test_metrics_tell_of_waits_and_requests(slow: Stage) -> None:
    def held() -> float:
        return (
            REGISTRY.get_sample_value("gamesession_gateway_held_requests", {"game": "chess"}) or 0
        )

    labels = {"game": "chess", "start": "cold", "code": "200"}

    def counted() -> float:
        name = "gamesession_gateway_request_seconds_count"
        return REGISTRY.get_sample_value(name, labels) or 0

    before = counted()
    task, name = await asking(slow)
    assert held() == 1
    await slow.bind(name, HttpPod())
    assert (await task)[0] == 200
    assert held() == 0
    assert counted() == before + 1
