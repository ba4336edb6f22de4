"""Real servers with the SDK in their workers: SIGTERM ends every object once, where it was made."""

from __future__ import annotations

import asyncio
import itertools
import re
import signal
from collections import Counter
from pathlib import Path

import aiohttp
import pytest

from tests.eventually import eventually
from tests.handlers.sdk.programs import (
    check_each_ended_once,
    lines_of,
    log_of,
    program,
    until_ended,
)
from tests.handlers.sdk.stage import Stage

USERS = 8


async def address_in(directory: Path) -> str:
    """Where a server listens, by its own account: nobody else can have taken that port."""

    async def told() -> str:
        found = re.search(r"http://127[.]0[.]0[.]1:[0-9]+", log_of(directory))
        assert found, log_of(directory)
        return found.group()

    return await eventually(told)


async def served_by(url: str, workers: int) -> Counter[int]:
    """Play with several users until so many processes have served; how often each did."""
    served: Counter[int] = Counter()
    connector = aiohttp.TCPConnector(force_close=True)
    async with aiohttp.ClientSession(connector=connector) as http:

        async def ask(user: int) -> bool:
            try:
                async with http.get(f"{url}/user{user}") as answer:
                    assert answer.status == 200, await answer.text()
                    served[int(await answer.text())] += 1
                    return True
            except aiohttp.ClientConnectionError:
                return False  # it does not listen yet

        async def all_served() -> bool:
            answers = await asyncio.gather(*(ask(user) for user in range(USERS)))
            return all(answers) and len(served) >= workers

        await eventually(all_served)
    return served


async def ask_until_cancelled(url: str) -> None:
    """Always new users, whatever becomes of them."""
    async with aiohttp.ClientSession() as http:
        for number in itertools.count():
            try:
                async with http.get(f"{url}/late{number}") as answer:
                    await answer.read()
            except aiohttp.ClientError:
                await asyncio.sleep(0.01)


async def served_until_sigterm(stage: Stage, directory: Path, *arguments: str, workers: int) -> int:
    """Start a server, play, end it while others still play; its exit code."""
    async with program(stage, directory, "-m", *arguments) as process:
        url = await address_in(directory)
        await served_by(url, workers)
        assert not [line for line in lines_of(directory) if line.deed == "ended"]
        others = [asyncio.create_task(ask_until_cancelled(url)) for _ in range(4)]

        async def others_play() -> bool:
            return any(line.name.startswith("late") for line in lines_of(directory))

        await eventually(others_play)
        process.send_signal(signal.SIGTERM)
        code = await until_ended(process)
        for task in others:
            task.cancel()
        return code


@pytest.mark.parametrize("preload", [[], ["--preload"]], ids=["", "preload"])
@pytest.mark.parametrize("kind", [["sync"], ["gthread", "--threads", "8"]], ids=["sync", "gthread"])
async def test_gunicorn(stage: Stage, tmp_path: Path, kind: list[str], preload: list[str]) -> None:
    code = await served_until_sigterm(
        stage,
        tmp_path,
        *("gunicorn", "--bind", "127.0.0.1:0", "--workers", "2", "--worker-class"),
        *(*kind, *preload, "tests.handlers.sdk.apps.wsgi:app"),
        workers=2,
    )
    assert code == 0, log_of(tmp_path)
    made = check_each_ended_once(tmp_path)
    assert made["early"] == (1 if preload else 2)
    assert all(made[f"user{number}"] >= 1 for number in range(USERS))
    assert stage.api.count("delete", "gamesessions") == 0


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("application", ["asgi", "asgi_blocking"])
async def test_uvicorn(stage: Stage, tmp_path: Path, application: str, workers: int) -> None:
    await served_until_sigterm(
        stage,
        tmp_path,
        *("uvicorn", "--port", "0", "--workers", str(workers)),
        f"tests.handlers.sdk.apps.{application}:app",
        workers=workers,
    )
    made = check_each_ended_once(tmp_path)
    assert all(made[f"user{number}"] >= 2 for number in range(USERS))
    assert stage.api.count("delete", "gamesessions") == 0


async def test_a_session_that_ends_ends_its_objects_in_every_worker(
    stage: Stage, tmp_path: Path
) -> None:
    arguments = ("-m", "gunicorn", "--bind", "127.0.0.1:0", "--workers", "2", "--preload")
    async with program(stage, tmp_path, *arguments, "tests.handlers.sdk.apps.wsgi:app") as process:
        workers = await served_by(await address_in(tmp_path), 2)
        for number in range(USERS):
            stage.end(user=f"user{number}")

        async def all_ended() -> bool:
            ended = [line for line in lines_of(tmp_path) if line.deed == "ended"]
            made = [line for line in lines_of(tmp_path) if line.deed == "made"]
            assert {line.pid for line in ended} == set(workers)
            return len(ended) == len(made) - 1  # the one that was made early lives on

        await eventually(all_ended)
        process.send_signal(signal.SIGTERM)
        assert await until_ended(process) == 0
    check_each_ended_once(tmp_path)
