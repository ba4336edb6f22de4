"""A user with a token, who sends requests to the gateway and keeps time."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import aiohttp
import jwt

ROUTE = "/api/fortune"


@dataclass(frozen=True)
class Answer:
    """What came back.

    Attributes:
        seconds: from sending to the last byte of the answer.
    """

    status: int
    body: dict[str, Any]
    headers: dict[str, str]
    seconds: float

    @property
    def start(self) -> str:
        """`cold`, `warm` or `reused`."""
        return self.headers.get("X-Game-Start", "")


class Player:
    """One user."""

    def __init__(self, name: str, http: aiohttp.ClientSession, secret: str) -> None:
        self.name = name
        self._http = http
        self._token = token(name, secret)

    async def say(self, message: str) -> Answer:
        """A message to the fortune agent."""
        return await self.send("POST", "/chat", json={"message": message})

    async def send(self, method: str, path: str, **options: Any) -> Answer:
        """A request below the game's route."""
        headers = {"Authorization": f"Bearer {self._token}"}
        begun = time.monotonic()
        async with self._http.request(
            method, f"{ROUTE}{path}", headers=headers, **options
        ) as response:
            body = await response.json(content_type=None)
            seconds = time.monotonic() - begun
            return Answer(response.status, body, dict(response.headers), seconds)


def token(user: str, secret: str) -> str:
    """A token as an identity provider would issue it, good for ten minutes."""
    claims = {"sub": user, "iss": "gamesession", "aud": "games", "exp": int(time.time()) + 600}
    return jwt.encode(claims, secret, algorithm="HS256")
