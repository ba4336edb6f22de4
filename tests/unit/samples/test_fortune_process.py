"""The game as a process, the way its container runs it."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from aiohttp import ClientConnectionError, ClientSession

from tests.unit.samples.fortune_pod import DEADLINE, RedisServer, events_of, free_port, identity


@dataclass
class Game:
    """A running process and where its services listen."""

    process: asyncio.subprocess.Process
    agent: str
    live: str


async def launch(sample: Path, **environment: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "fortune_game",
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(sample / "app"), **environment},
        stderr=asyncio.subprocess.PIPE,
    )


@asynccontextmanager
async def running(sample: Path, http: ClientSession, **environment: str) -> AsyncIterator[Game]:
    ports = {"FORTUNE_AGENT_PORT": str(free_port()), "FORTUNE_LIVE_PORT": str(free_port())}
    process = await launch(sample, **ports, **environment)
    agent, live = (f"http://127.0.0.1:{port}" for port in ports.values())
    try:
        async with asyncio.timeout(DEADLINE):
            while not await healthy(http, agent):
                assert process.returncode is None, await process.communicate()
                await asyncio.sleep(0.02)
        yield Game(process, agent, live)
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def healthy(http: ClientSession, agent: str) -> bool:
    try:
        async with http.get(f"{agent}/healthz") as response:
            return response.status == 200
    except ClientConnectionError:
        return False


async def test_a_life_from_the_first_request_to_sigterm(
    sample: Path, redis_server: RedisServer
) -> None:
    """One process serves both ports; told to stop, it ends its open streams and itself, cleanly."""
    environment = {"REDIS_URL": redis_server.url, "GAMESESSION_POD_UID": "pod-1"}
    async with ClientSession() as http, running(sample, http, **environment) as game:
        async with (
            asyncio.timeout(DEADLINE),
            http.get(f"{game.live}/api/fortune/live/events", headers=identity()) as response,
        ):
            stream = events_of(response)
            assert (await anext(stream))[1]["user"] == "alice"
            chat = http.post(
                f"{game.agent}/api/fortune/chat", json={"message": "hi"}, headers=identity()
            )
            async with chat as answer:
                assert (await answer.json())["messages"] == 1
            while (event := await anext(stream))[0] == "tick":
                pass
            assert event[1]["message"] == "hi"
            async with http.get(f"{game.agent}/on-close") as closed:
                assert (await closed.json())["past_conversations"] == 1
            game.process.send_signal(signal.SIGTERM)
            assert {name async for name, _ in stream} <= {"tick"}
        async with asyncio.timeout(DEADLINE):
            assert await game.process.wait() == 0


async def test_sigterm_does_not_wait_for_a_save_that_hangs(
    sample: Path, redis_server: RedisServer
) -> None:
    environment = {"REDIS_URL": redis_server.url, "FORTUNE_SAVE_DELAY": "3600"}
    async with ClientSession() as http, running(sample, http, **environment) as game:
        async with http.get(f"{game.agent}/api/fortune/whoami", headers=identity()) as who:
            assert who.status == 200
        saving = asyncio.create_task(get_status(http, f"{game.agent}/on-close"))
        async with asyncio.timeout(DEADLINE):
            game.process.send_signal(signal.SIGTERM)
            assert await game.process.wait() == 0
        assert await saving is None


async def get_status(http: ClientSession, url: str) -> int | None:
    """The answer's status, None if the connection ended without one."""
    try:
        async with http.get(url) as response:
            return response.status
    except ClientConnectionError:
        return None


async def test_a_bad_setting_ends_the_process_with_one_sentence(sample: Path) -> None:
    process = await launch(sample, FORTUNE_SAVE_DELAY="soon")
    async with asyncio.timeout(DEADLINE):
        _, stderr = await process.communicate()
    assert process.returncode == 1
    assert stderr.decode().strip().splitlines() == [
        "FORTUNE_SAVE_DELAY: a number of seconds, 0 or more, was expected, not 'soon'"
    ]
