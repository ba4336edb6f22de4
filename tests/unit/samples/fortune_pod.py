"""One pod of the fortune-game with its two services behind real ports, and a real Redis."""

from __future__ import annotations

import json
import socket
import subprocess
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import redis
from aiohttp import ClientResponse
from aiohttp.test_utils import TestClient
from fortune_game.life import Life

DEADLINE = 30.0
"""Seconds after which something that should have happened has not."""


def free_port() -> int:
    """A port of this machine that nothing listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


@dataclass
class RedisServer:
    """A redis-server of its own, that can be stopped and started again with its data."""

    directory: Path
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    @property
    def client(self) -> redis.Redis:
        return redis.Redis(port=self.port, decode_responses=True)

    def start(self) -> None:
        options = {"bind": "127.0.0.1", "port": self.port, "dir": self.directory}
        options |= {"save": "", "appendonly": "yes", "appendfsync": "always"}
        arguments = [text for name, value in options.items() for text in (f"--{name}", str(value))]
        self.process = subprocess.Popen(
            ["redis-server", *arguments], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        deadline = time.monotonic() + DEADLINE
        while not self._answers():
            assert self.process.poll() is None, "redis-server ended"
            assert time.monotonic() < deadline, "redis-server does not answer"
            time.sleep(0.01)

    def _answers(self) -> bool:
        try:
            return bool(self.client.ping())
        except redis.RedisError:
            return False

    def stop(self) -> None:
        if self.process is not None:
            self.process.terminate()
            self.process.wait(DEADLINE)
            self.process = None


def identity(user: str = "alice", pod: str = "pod-1") -> dict[str, str]:
    """The headers that the gateway sets, the user's name already percent-encoded."""
    return {
        "X-Game-User": user,
        "X-Game-Session": f"{user}_fortune-game_1700000000",
        "X-Game-Id": "fortune-game",
        "X-Game-Pod": pod,
        "X-Request-Id": "request-1",
    }


@dataclass
class Pod:
    """Both services of one pod, and a client for each."""

    life: Life
    agent: TestClient[Any, Any]
    live: TestClient[Any, Any]

    async def chat(self, message: object, user: str = "alice", pod: str = "pod-1") -> Any:
        """Say something, be answered, and return the answer's JSON."""
        response = await self.post({"message": message}, identity(user, pod))
        assert response.status == 200, await response.text()
        return await response.json()

    async def post(self, body: object, headers: dict[str, str]) -> ClientResponse:
        return await self.agent.post("/api/fortune/chat", json=body, headers=headers)

    async def get(self, path: str, user: str = "alice", pod: str = "pod-1") -> ClientResponse:
        return await self.agent.get(path, headers=identity(user, pod))

    async def whoami(self, user: str = "alice", pod: str = "pod-1") -> Any:
        response = await self.get("/api/fortune/whoami", user, pod)
        assert response.status == 200, await response.text()
        return await response.json()

    async def on_claim(self, user: str = "alice", pod: str = "pod-1") -> ClientResponse:
        """What the operator does before the user's first request."""
        headers = identity(user, pod) | {"Idempotency-Key": f"session-1/{pod}"}
        body = {
            "session_id": headers["X-Game-Session"],
            "user_id": user,
            "game_id": "fortune-game",
        }
        return await self.agent.post("/on-claim", json=body, headers=headers)

    async def on_close(self) -> ClientResponse:
        """What kubelet does before it stops the pod: a GET that names nobody."""
        return await self.agent.get("/on-close")


MakePod = Callable[..., Awaitable[Pod]]


async def events_of(response: ClientResponse) -> AsyncIterator[tuple[str, Any]]:
    """The server-sent events of a response: name and data, until the stream ends."""
    name = ""
    async for line in response.content:
        field_name, _, value = line.decode().rstrip("\n").partition(": ")
        if field_name == "event":
            name = value
        elif field_name == "data":
            yield name, json.loads(value)
