"""An example as a process of its own, at an address of the test's choice."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp

from tests.cluster.process import die_with
from tests.eventually import DEADLINE, eventually

ROOT = Path(__file__).parent.parent.parent.parent
EXAMPLES = ROOT / "docs/examples"


def command(name: str, host: str, port: int) -> list[str]:
    """How the example's own first lines start it, with one thing the same: it listens there."""
    if name.endswith("fastapi"):
        return ["-m", "uvicorn", f"{name}:app", "--host", host, "--port", str(port)]
    return ["-m", "gunicorn", "--threads", "8", "--bind", f"{host}:{port}", f"{name}:app"]


class Example:
    """A running example.

    Attributes:
        url: where it is.
    """

    def __init__(self, url: str, process: asyncio.subprocess.Process, log: Path) -> None:
        self.url = url
        self.process = process
        self._log = log

    async def listens(self) -> bool:
        """Whether it takes connections.

        Raises:
            RuntimeError: it has ended.
        """
        if self.process.returncode is not None:
            raise RuntimeError(f"the example ended:\n{self._log.read_text()}")
        try:
            async with aiohttp.ClientSession() as client, client.get(f"{self.url}/healthz"):
                return True
        except aiohttp.ClientError:
            return False

    async def stop(self) -> str:
        """Ask it to end (SIGTERM); its log."""
        self.process.terminate()
        async with asyncio.timeout(DEADLINE):
            await self.process.wait()
        return self._log.read_text()


@asynccontextmanager
async def running(
    name: str, log: Path, *, host: str, port: int, folder: Path = EXAMPLES, **environment: str
) -> AsyncIterator[Example]:
    """An example that takes connections. It is killed, should it still run.

    Args:
        folder: where it is.
    """
    with log.open("w") as output:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *command(name, host, port),
            cwd=folder,
            env={**os.environ, "PYTHONPATH": str(ROOT / "operator"), **environment},
            stdout=output,
            stderr=output,
            preexec_fn=die_with(os.getpid()),
        )
    example = Example(f"http://{host}:{port}", process, log)
    try:
        await eventually(example.listens, every=0.1)
        yield example
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
