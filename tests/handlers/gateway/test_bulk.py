"""Bodies many times as large as what the gateway's memory may grow by, both ways, through a gateway
that is a process of its own. (`python -m tests.bench bulk` has them of 2 GiB.)"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest
import yaml

from tests.eventually import eventually
from tests.handlers.gateway.pods import RawPod
from tests.handlers.gateway.stage import AUDIENCE, ISSUER, SECRET, Stage
from tests.handlers.gateway.test_process import free_port
from tests.handlers.gateway.wire import request

GIB = 2**30
SIZE = GIB // 4
MOST_MORE = 64 * 2**20
PIECE = bytes(range(256)) * 2**12
ODD = b"and a bit more"


class Process:
    """A gateway.

    Attributes:
        port: where it listens.
    """

    def __init__(self, pid: int, port: int) -> None:
        self.pid = pid
        self.port = port

    def memory(self, name: str) -> int:
        """Bytes of memory: `VmRSS` at present, `VmHWM` at most so far."""
        for line in Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith(f"{name}:"):
                return int(line.split()[1]) * 1024
        raise AssertionError(f"no {name}")


@asynccontextmanager
async def running(stage: Stage, directory: Path) -> AsyncIterator[Process]:
    """A gateway beside the stage's own, with its API server."""
    kubeconfig, port, admin = directory / "kubeconfig", free_port(), free_port()
    server = {"server": stage.api.configuration.host}
    kubeconfig.write_text(
        yaml.safe_dump(
            {
                "apiVersion": "v1",
                "kind": "Config",
                "clusters": [{"name": "c", "cluster": server}],
                "users": [{"name": "u", "user": {"token": "t"}}],
                "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
                "current-context": "x",
            }
        )
    )
    settings = {
        "NAMESPACE": "play",
        "KUBECONFIG": str(kubeconfig),
        "HOST": "127.0.0.1",
        "PORT": str(port),
        "ADMIN_HOST": "127.0.0.1",
        "ADMIN_PORT": str(admin),
        "JWT_SECRET": SECRET,
        "JWT_ISSUER": ISSUER,
        "JWT_AUDIENCE": AUDIENCE,
        "MAX_BODY_BYTES": str(GIB),
        "SHUTDOWN_DELAY": "1ms",
    }
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", "from gamesession.cli import main; main()", "gateway"),
        env=os.environ | {f"GAMESESSION_{name}": value for name, value in settings.items()},
    )
    try:
        await eventually(lambda: is_ready(admin))
        yield Process(process.pid, port)
    finally:
        process.terminate()
        await process.wait()


async def is_ready(admin: int) -> bool:
    try:
        async with (
            aiohttp.ClientSession() as http,
            http.get(f"http://127.0.0.1:{admin}/readyz") as answer,
        ):
            return answer.status == 200
    except aiohttp.ClientError:
        return False


async def pour(writer: asyncio.StreamWriter) -> None:
    """Say so many bytes."""
    for _ in range(SIZE // len(PIECE)):
        writer.write(PIECE)
        await writer.drain()
    writer.write(ODD)


async def drink(reader: asyncio.StreamReader) -> None:
    """Hear them."""
    left = SIZE
    while left:
        left -= len(await reader.read(min(left, 2**20)))
    assert await reader.readexactly(len(ODD)) == ODD


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="asks Linux for memory")
async def test_memory_stays_flat(stage: Stage, tmp_path: Path) -> None:
    async def speak(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        method = (await reader.readuntil(b"\r\n\r\n")).split(b" ")[0]
        if method == b"POST":
            await drink(reader)
        if method != b"GET":
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        else:
            length = SIZE + len(ODD)
            writer.write(f"HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n".encode())
            await pour(writer)
        writer.close()

    await stage.add_session(pod=RawPod(speak))
    async with running(stage, tmp_path) as gateway:
        await exchange(gateway, request("Connection: close", method="HEAD"))
        before = gateway.memory("VmRSS")
        length = f"Content-Length: {SIZE + len(ODD)}"
        await exchange(gateway, request(length, method="POST"), up=True)
        await exchange(gateway, request(), down=True)
        assert gateway.memory("VmHWM") - before < MOST_MORE


async def exchange(gateway: Process, head: bytes, *, up: bool = False, down: bool = False) -> None:
    """One request on a connection of its own."""
    reader, writer = await asyncio.open_connection("127.0.0.1", gateway.port, limit=2**20)
    writer.write(head)
    if up:
        await pour(writer)
    assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 ")
    if down:
        await drink(reader)
    writer.close()
