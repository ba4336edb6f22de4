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
from tests.handlers.gateway.stage import AUDIENCE, ISSUER, SECRET, Stage, bearer


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


async def test_on_sigterm_it_finishes_what_it_has_and_writes_what_it_knows(
    stage: Stage, running: Running
) -> None:
    pod, go = HttpPod(), asyncio.Event()

    async def slowly(request: web.BaseRequest) -> web.StreamResponse:
        await go.wait()
        return web.json_response({"done": True})

    pod.handler = slowly
    await stage.add_session(pod=pod, name="s")
    before = stage.last_activity("s")

    async with aiohttp.ClientSession() as http:

        async def ask() -> Any:
            async with http.get(f"{running.url}/api/chess/", headers=bearer()) as answer:
                return await answer.json()

        asking = asyncio.create_task(ask())

        async def arrived() -> bool:
            return len(pod.requests) == 1

        await eventually(arrived)
        os.kill(os.getpid(), signal.SIGTERM)

        async def unready() -> bool:
            return await running.probe(http, "readyz") == 503

        await eventually(unready)
        assert not running.task.done()
        go.set()
        assert await asking == {"done": True}
        await asyncio.wait_for(running.task, 10)
        assert await running.probe(http, "healthz") == 0
    assert stage.last_activity("s") > before


async def test_a_stream_that_does_not_end_is_broken_off_after_the_grace(
    stage: Stage, tmp_path: Path
) -> None:
    pod = HttpPod()

    async def stream(request: web.BaseRequest) -> web.StreamResponse:
        answer = web.StreamResponse()
        await answer.prepare(request)
        await answer.write(b"data: 1\n\n")
        await asyncio.sleep(3600)
        return answer

    pod.handler = stream
    await stage.add_session(pod=pod, name="s")
    running = Running(stage, tmp_path, shutdown_grace=timedelta(seconds=0.2))
    async with aiohttp.ClientSession() as http:
        await running.until_ready(http)
        async with http.get(f"{running.url}/api/chess/", headers=bearer()) as answer:
            assert await answer.content.readany() == b"data: 1\n\n"
            os.kill(os.getpid(), signal.SIGTERM)
            with pytest.raises(aiohttp.ClientError):
                await asyncio.wait_for(answer.content.read(), 10)
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
