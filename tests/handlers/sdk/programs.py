"""Programs of their own that use the SDK: what they leave behind."""

from __future__ import annotations

import asyncio
import os
import sys
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.eventually import DEADLINE
from tests.handlers.sdk.stage import Stage

ROOT = Path(__file__).parent.parent.parent.parent


@dataclass(frozen=True)
class Line:
    """A deed with an object: `made` or `ended`, and by which process."""

    deed: str
    name: str
    pid: int


@asynccontextmanager
async def program(
    stage: Stage, directory: Path, *arguments: str
) -> AsyncIterator[asyncio.subprocess.Process]:
    """A Python program for the stage's API server. It is killed, should it still run."""
    environment = {
        **os.environ,
        "GAMESESSION_KUBECONFIG": str(stage.kubeconfig),
        "GAMESESSION_NAMESPACE": "play",
        "PYTHONPATH": f"{ROOT / 'operator'}:{ROOT}",
        "HOME": str(directory),  # gunicorn keeps a socket there
        "RECORD": str(directory / "record"),
    }
    log = os.open(directory / "log", os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    process = await asyncio.create_subprocess_exec(
        sys.executable, *arguments, env=environment, cwd=ROOT, stdout=log, stderr=log
    )
    os.close(log)
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def until_ended(process: asyncio.subprocess.Process) -> int:
    """Its exit code."""
    return await asyncio.wait_for(process.wait(), DEADLINE)


def log_of(directory: Path) -> str:
    """What the programs wrote."""
    return (directory / "log").read_text()


def lines_of(directory: Path) -> list[Line]:
    """What was recorded, in order."""
    path = directory / "record"
    lines = [line.split() for line in path.read_text().splitlines()] if path.exists() else []
    return [Line(deed, name, int(pid)) for deed, name, pid in lines]


def check_each_ended_once(directory: Path) -> Counter[str]:
    """Check that every object was ended once, by the process that made it; how many there were,
    by the first part of their names."""
    lines = lines_of(directory)
    made = [(line.name, line.pid) for line in lines if line.deed == "made"]
    ended = [(line.name, line.pid) for line in lines if line.deed == "ended"]
    assert sorted(ended) == sorted(made), log_of(directory)
    assert "Traceback" not in log_of(directory), log_of(directory)
    return Counter(name.split("-")[0] for name, _ in made)
