"""A user of one game, who sends requests to the gateway."""

from __future__ import annotations

import copy
import json
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote

import aiohttp
from multidict import CIMultiDictProxy

from tests.e2e.gateway import Gateway
from tests.eventually import eventually


@dataclass(frozen=True)
class Answer:
    """What came back.

    Attributes:
        began, ended: when the request was sent, and when the last byte of the answer was there.
    """

    status: int
    headers: CIMultiDictProxy[str]
    body: bytes
    began: datetime
    ended: datetime

    @property
    def json(self) -> Any:
        """The body, which is JSON."""
        return json.loads(self.body)

    @property
    def code(self) -> str:
        """The code of the gateway's error; `""` if it is none."""
        return "" if self.status < 400 else str(self.json["error"]["code"])

    @property
    def message(self) -> str:
        """What the gateway's error says to a person."""
        return str(self.json["error"]["message"])

    @property
    def pod(self) -> str:
        """The uid of the pod that answered."""
        assert self.status == 200, f"{self.status}: {self.body.decode(errors='replace')}"
        return str(self.json["pod"])

    @property
    def session_id(self) -> str:
        """The session that answered."""
        return unquote(self.headers["X-Game-Session"])

    @property
    def start(self) -> str:
        """What the request met: `cold`, `warm` or `reused`."""
        return self.headers.get("X-Game-Start", "")


class User:
    """One user of one game.

    Args:
        token: what the user authenticates with.
        route: the game's, if it is not its name.
    """

    def __init__(
        self, gateway: Gateway, name: str, game: str, token: str, route: str | None = None
    ) -> None:
        self.name = name
        self.game = game
        self._gateway = gateway
        self._route = route or game
        self._headers = {"Authorization": f"Bearer {token}"}

    async def get(self, path: str = "/", **options: Any) -> Answer:
        """A GET below the game's route."""
        return await self.send("GET", path, **options)

    async def post(self, path: str, **options: Any) -> Answer:
        """A POST below the game's route."""
        return await self.send("POST", path, **options)

    async def send(self, method: str, path: str, **options: Any) -> Answer:
        """A request below the game's route, and its whole answer."""
        began = datetime.now(UTC)
        async with self.stream(method, path, **options) as response:
            body = await response.read()
            return Answer(response.status, response.headers, body, began, datetime.now(UTC))

    def stream(
        self, method: str, path: str, *, headers: dict[str, str] | None = None, **options: Any
    ) -> AbstractAsyncContextManager[aiohttp.ClientResponse]:
        """A request below the game's route, whose answer is read as it comes."""
        whole = f"/api/{self._route}{path}"
        headers = self._headers | (headers or {})
        return self._gateway.request(method, whole, headers=headers, **options)

    def connect(
        self, path: str, **options: Any
    ) -> AbstractAsyncContextManager[aiohttp.ClientWebSocketResponse]:
        """A WebSocket below the game's route."""
        return self._gateway.connect(f"/api/{self._route}{path}", headers=self._headers, **options)

    def at(self, gateway: Gateway) -> User:
        """The same user, who comes to another gateway."""
        user = copy.copy(self)
        user._gateway = gateway
        return user

    async def get_patiently(self, path: str = "/") -> Answer:
        """A GET by a client that tries again while the session is starting."""

        async def answered() -> Answer | None:
            answer = await self.get(path)
            return None if answer.code == "session_starting" else answer

        return await eventually(answered, deadline=150)
