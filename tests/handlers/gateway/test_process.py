"""The gateway as a process: from its settings to SIGTERM."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import yaml
from aiohttp import web

from gamesession.gateway.keys import BadKey
from gamesession.gateway.server import run
from gamesession.gateway.settings import GatewaySettings
from tests.eventually import eventually
from tests.handlers.gateway.pods import HttpPod
from tests.handlers.gateway.stage import AUDIENCE, ISSUER, SECRET, Stage, bearer, token


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


class Running:
    """A gateway that `run` runs, beside the stage whose API server it uses."""

    def __init__(self, stage: Stage, directory: Path, **settings: Any) -> None:
        kubeconfig = directory / "kubeconfig"
        kubeconfig.write_text(
            yaml.safe_dump(
                {
                    "apiVersion": "v1",
                    "kind": "Config",
                    "clusters": [
                        {"name": "c", "cluster": {"server": stage.api.configuration.host}}
                    ],
                    "users": [{"name": "u", "user": {"token": "t"}}],
                    "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
                    "current-context": "x",
                }
            )
        )
        self.settings = GatewaySettings(
            **{
                "namespace": "play",
                "kubeconfig": kubeconfig,
                "host": "127.0.0.1",
                "port": free_port(),
                "admin_host": "127.0.0.1",
                "admin_port": free_port(),
                "jwt_secret": SECRET,
                "jwt_issuer": ISSUER,
                "jwt_audience": AUDIENCE,
                "shutdown_delay": timedelta(0),
                "shutdown_grace": timedelta(seconds=10),
                **settings,
            }
        )
        self.url = f"http://127.0.0.1:{self.settings.port}"
        self.admin = f"http://127.0.0.1:{self.settings.admin_port}"
        self.task = asyncio.create_task(run(self.settings))

    async def until_ready(self, http: aiohttp.ClientSession) -> None:
        async def ready() -> bool:
            assert not self.task.done() or self.task.result()
            return await self.probe(http, "readyz") == 200

        await eventually(ready)

    async def probe(self, http: aiohttp.ClientSession, name: str) -> int:
        """The status of a probe, 0 where nobody answers."""
        try:
            async with http.get(f"{self.admin}/{name}") as answer:
                return int(answer.status)
        except aiohttp.ClientError:
            return 0


@pytest.fixture
async def running(stage: Stage, tmp_path: Path) -> AsyncIterator[Running]:
    found = Running(stage, tmp_path)
    async with aiohttp.ClientSession() as http:
        await found.until_ready(http)
    yield found
    found.task.cancel()
    await asyncio.gather(found.task, return_exceptions=True)


async def test_it_serves_and_tells_how_it_does_on_a_port_of_its_own(
    stage: Stage, running: Running
) -> None:
    async with aiohttp.ClientSession() as http:
        async with http.get(f"{running.url}/api/chess/", headers=bearer()) as answer:
            assert answer.status == 200
        assert await running.probe(http, "healthz") == 200
        async with http.get(f"{running.admin}/metrics") as answer:
            assert "gamesession_gateway_request_seconds" in await answer.text()
        async with http.get(f"{running.url}/metrics") as answer:
            assert answer.status == 401


# How it ends ------------------------------------------------------------------------------------


def sigterm() -> None:
    os.kill(os.getpid(), signal.SIGTERM)


class SlowPod(HttpPod):
    """A pod that begins its answer when a request arrives, and ends it when it may.

    Attributes:
        may_end: set by the test.
        chunks: written at once.
    """

    def __init__(self, *chunks: bytes, **headers: str) -> None:
        super().__init__(self._answer)
        self.may_end = asyncio.Event()
        self._chunks = chunks
        self._headers = {name.replace("_", "-"): value for name, value in headers.items()}

    async def _answer(self, request: web.BaseRequest) -> web.StreamResponse:
        answer = web.StreamResponse(headers=self._headers)
        if self._chunks:
            await answer.prepare(request)
            for chunk in self._chunks:
                await answer.write(chunk)
        await self.may_end.wait()
        await answer.prepare(request)
        await answer.write(b"the end")
        return answer

    async def asked(self) -> None:
        """Wait until a request has arrived."""

        async def arrived() -> bool:
            return len(self.requests) == 1

        await eventually(arrived)


async def read(url: str, path: str = "/api/chess/", **options: Any) -> bytes:
    """The body of an answer, over a connection of its own."""
    async with (
        aiohttp.ClientSession() as http,
        http.get(url + path, headers=bearer(), **options) as answer,
    ):
        assert answer.status == 200, await answer.text()
        return await answer.read()


async def test_on_sigterm_it_finishes_what_it_has_and_writes_what_it_knows(
    stage: Stage, running: Running
) -> None:
    pod = SlowPod()
    await stage.add_session(pod=pod, name="s")
    before = stage.last_activity("s")
    asking = asyncio.create_task(read(running.url))
    await pod.asked()
    sigterm()
    async with aiohttp.ClientSession() as http:

        async def unready() -> bool:
            return await running.probe(http, "readyz") == 503

        await eventually(unready)
        assert not running.task.done()
        pod.may_end.set()
        assert await asking == b"the end"
        await asyncio.wait_for(running.task, 10)
        assert await running.probe(http, "healthz") == 0
    assert stage.last_activity("s") > before


async def test_it_goes_on_for_those_who_have_not_noticed_and_sends_them_away(
    stage: Stage, tmp_path: Path
) -> None:
    """Not ready, it takes connections as long as Services may send some; each answer closes its
    connection. Then it takes none, and finishes what it has."""
    slow = SlowPod()
    await stage.add_session("bob", pod=slow)
    await stage.add_session("alice")
    running = Running(stage, tmp_path, shutdown_delay=timedelta(seconds=3))
    async with aiohttp.ClientSession() as http:
        await running.until_ready(http)
        async with http.get(f"{running.url}/api/chess/", headers=bearer()) as answer:
            assert "Connection" not in answer.headers
        asking = asyncio.create_task(read_as_bob(running.url))
        await slow.asked()
        sigterm()

        async def unready() -> bool:
            return await running.probe(http, "readyz") == 503

        await eventually(unready)
        for headers in (bearer(), {}):  # an answer of the pod's, and one of the gateway's own
            async with http.get(f"{running.url}/api/chess/", headers=headers) as answer:
                assert answer.status in (200, 401)
                assert answer.headers["Connection"] == "close"
        await eventually(lambda: refused(running.settings.port))
        assert not running.task.done()
        slow.may_end.set()
        assert await asking == b"the end"
    await asyncio.wait_for(running.task, 10)


async def read_as_bob(url: str) -> bytes:
    async with (
        aiohttp.ClientSession() as http,
        http.get(f"{url}/api/chess/", headers=bearer("bob")) as answer,
    ):
        assert answer.headers["Connection"] == "close", "it ended after the signal"
        return await answer.read()


async def refused(port: int) -> bool:
    """Whether nobody takes connections there."""
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except ConnectionRefusedError:
        return True
    writer.close()
    return False


async def test_an_upload_that_is_on_its_way_goes_on_after_sigterm(
    stage: Stage, running: Running
) -> None:
    """(aiohttp's own shutdown throws away what comes.)"""
    pod, go_on = HttpPod(), asyncio.Event()
    await stage.add_session(pod=pod)

    async def body() -> AsyncIterator[bytes]:
        yield b"first "
        await go_on.wait()
        yield b"second"

    async def upload() -> int:
        async with (
            aiohttp.ClientSession() as http,
            http.post(f"{running.url}/api/chess/", data=body(), headers=bearer()) as answer,
        ):
            return int(answer.status)

    uploading = asyncio.create_task(upload())

    async def begun() -> bool:
        return len(pod.requests) == 1

    await eventually(begun)
    sigterm()
    await eventually(lambda: refused(running.settings.port))
    go_on.set()
    assert await uploading == 200
    assert pod.bodies == [b"first second"]
    await asyncio.wait_for(running.task, 10)


async def test_event_streams_end_whole_and_at_once(stage: Stage, running: Running) -> None:
    """The listener connects again, to another replica; it takes no end for a failure."""
    pod = SlowPod(b"data: 1\n\n", Content_Type="text/event-stream; charset=utf-8")
    await stage.add_session(pod=pod)
    listening = asyncio.create_task(read(running.url))
    await pod.asked()
    sigterm()
    assert await asyncio.wait_for(listening, 8) == b"data: 1\n\n"
    await asyncio.wait_for(running.task, 10)


async def test_any_other_stream_is_broken_off_after_the_grace(stage: Stage, tmp_path: Path) -> None:
    """Who listens to it must not take what came for the whole."""
    pod = SlowPod(b"half of ")
    await stage.add_session(pod=pod, name="s")
    running = Running(stage, tmp_path, shutdown_grace=timedelta(seconds=0.2))
    async with aiohttp.ClientSession() as http:
        await running.until_ready(http)
        async with http.get(f"{running.url}/api/chess/", headers=bearer()) as answer:
            assert await answer.content.readany() == b"half of "
            sigterm()
            with pytest.raises(aiohttp.ClientError):
                await asyncio.wait_for(answer.content.read(), 10)
    await asyncio.wait_for(running.task, 10)


async def test_a_websocket_is_told_to_connect_again(stage: Stage, running: Running) -> None:
    async def serve(request: web.BaseRequest) -> web.StreamResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await socket.receive()
        return socket

    await stage.add_session(pod=HttpPod(serve))
    async with (
        aiohttp.ClientSession() as http,
        http.ws_connect(f"{running.url}/api/chess/", headers=bearer()) as socket,
    ):
        sigterm()
        message = await socket.receive(timeout=10)
        assert (message.type, message.data) == (aiohttp.WSMsgType.CLOSE, 1012)
    await asyncio.wait_for(running.task, 10)


async def test_a_websocket_that_begins_too_late_is_told_at_once(
    stage: Stage, running: Running
) -> None:
    """Its handshake was waiting for the pod when the gateway took leave."""
    pod, answer_now = HttpPod(), asyncio.Event()

    async def serve(request: web.BaseRequest) -> web.StreamResponse:
        await answer_now.wait()
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await socket.receive()
        return socket

    pod.handler = serve
    await stage.add_session(pod=pod)

    async def connect() -> int | None:
        async with (
            aiohttp.ClientSession() as http,
            http.ws_connect(f"{running.url}/api/chess/", headers=bearer()) as socket,
        ):
            await socket.receive(timeout=8)
            return socket.close_code

    connecting = asyncio.create_task(connect())

    async def asked() -> bool:
        return len(pod.requests) == 1

    await eventually(asked)
    sigterm()
    await eventually(lambda: refused(running.settings.port))
    answer_now.set()
    assert await connecting == 1012
    await asyncio.wait_for(running.task, 10)


async def test_who_waits_for_a_session_is_told_to_come_again(stage: Stage, tmp_path: Path) -> None:
    """And does not find the connection broken when the grace is over."""
    stage.pod_for = lambda session: None
    running = Running(stage, tmp_path, shutdown_grace=timedelta(seconds=1))
    async with aiohttp.ClientSession() as http:
        await running.until_ready(http)
        waiting = asyncio.ensure_future(json_of(http, f"{running.url}/api/chess/"))

        async def made() -> bool:
            return bool(stage.api.objects["gamesessions"])

        await eventually(made)
        sigterm()
        status, body = await waiting
        assert (status, body["error"]["code"]) == (503, "session_starting")
    await asyncio.wait_for(running.task, 10)


async def json_of(http: aiohttp.ClientSession, url: str) -> tuple[int, Any]:
    async with http.get(url, headers=bearer()) as answer:
        return answer.status, await answer.json()


async def test_a_connection_that_was_not_accepted_yet_is_served(stage: Stage) -> None:
    """It stood in the kernel's queue at the moment when the gateway ceased to listen: its client
    has sent a request, which must not be answered with a reset."""
    await stage.add_session()
    with socket.create_connection(("127.0.0.1", stage.service.port)) as client:
        head = f"GET /api/chess/ HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer {token()}\r\n\r\n"
        client.sendall(head.encode())
        await stage.service.stop()
        client.settimeout(10)
        assert client.recv(12) == b"HTTP/1.1 200"


async def test_a_second_signal_ends_it_at_once(
    stage: Stage, running: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    monkeypatch.setattr(os, "_exit", ended.set_result)
    pod = SlowPod()
    await stage.add_session(pod=pod)
    asking = asyncio.create_task(read(running.url))
    await pod.asked()
    sigterm()
    await eventually(lambda: refused(running.settings.port))
    assert not ended.done()
    sigterm()
    assert await asyncio.wait_for(ended, 10) == 128 + signal.SIGTERM
    pod.may_end.set()
    await asking
    await asyncio.wait_for(running.task, 10)


async def test_without_a_usable_key_it_does_not_start(stage: Stage, tmp_path: Path) -> None:
    running = Running(stage, tmp_path, jwt_secret="short")
    with pytest.raises(BadKey, match="GAMESESSION_JWT_SECRET"):
        await running.task


async def test_a_port_that_is_taken_is_an_error_and_leaves_nothing_behind(
    stage: Stage, tmp_path: Path
) -> None:
    running = Running(stage, tmp_path, port=stage.service.port)
    with pytest.raises(OSError, match="address already in use"):
        await asyncio.wait_for(running.task, 10)
    names = {task.get_name() for task in asyncio.all_tasks()}
    # The stage's own three are left.
    assert sum("informer" in task.get_name() for task in asyncio.all_tasks()) == 3, names
