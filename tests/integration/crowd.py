"""Users who come to several gateways at random, and what they were answered."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote

import aiohttp

from gamesession.api.identity import SESSION_HEADER
from tests.handlers.gateway.stage import bearer


@dataclass(frozen=True)
class Answer:
    """What a pod answered.

    Attributes:
        began, ended: when the request was first sent, and when all of the answer was there, by
            the loop's clock.
    """

    user: str
    url: str
    pod: str
    session: str
    start: str
    began: float
    ended: float

    @property
    def seconds(self) -> float:
        """How long it took."""
        return self.ended - self.began


@dataclass
class Record:
    """What became of all requests.

    Attributes:
        wrong: what no user should ever see, in words.
        lost: requests that were under way at a gateway when it was killed.
        refused: connections that a gateway did not take, so that its user went to another.
        unavailable: answers that the API server does not let a session be made now; the user
            tried again. Whoever reads this knows whether that was so.
    """

    answers: list[Answer] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    lost: int = 0
    refused: int = 0
    unavailable: int = 0


class User:
    """One user, whose every request goes to a gateway picked at random.

    Args:
        urls: of gateways, some of which may have ended.
        killed: the URLs of those that were killed.
    """

    def __init__(
        self,
        name: str,
        game: str,
        urls: Sequence[str],
        http: aiohttp.ClientSession,
        record: Record,
        killed: set[str],
    ) -> None:
        self.name = name
        self._game = game
        self._urls = urls
        self._http = http
        self._record = record
        self._killed = killed
        self._headers = bearer(name)
        self._began = 0.0

    async def play(self, pauses: Sequence[float]) -> None:
        """A request after each of so many seconds."""
        for pause in pauses:
            await asyncio.sleep(pause)
            await self.ask()

    async def ask(self) -> None:
        """A request, to one gateway after another until one takes it."""
        method = random.choices(("GET", "POST"), (4, 1))[0]
        self._began = asyncio.get_running_loop().time()
        while True:
            for url in random.sample(self._urls, len(self._urls)):
                if await self._ask(method, url):
                    return
            await asyncio.sleep(0.05)

    async def _ask(self, method: str, url: str) -> bool:
        """Whether there was an answer, be it a wrong one."""
        body = b"x" * 1000 if method == "POST" else None
        path = f"{url}/api/{self._game}/move"
        try:
            async with self._http.request(
                method, path, headers=self._headers, data=body
            ) as response:
                if response.status == 503 and "unavailable" in await response.text():
                    self._record.unavailable += 1
                    return False
                await self._hear(url, response)
        except aiohttp.ClientConnectorError as error:
            if not isinstance(error.os_error, ConnectionRefusedError):
                return self._failed(method, url, error)
            self._record.refused += 1
            return False
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            return self._failed(method, url, error)
        return True

    async def _hear(self, url: str, response: aiohttp.ClientResponse) -> None:
        if response.status != 200:
            self._complain(url, f"{response.status} {await response.text()}")
            return
        told: Any = await response.json()
        session = unquote(response.headers[SESSION_HEADER])
        if (
            told["user"] != self.name
            or told["pod"] != told["told_pod"]
            or told["session"] != session
            or not session.startswith(f"{self.name}_{self._game}_")
        ):
            self._complain(url, f"{session}: {told}")
            return
        now = asyncio.get_running_loop().time()
        start = response.headers["X-Game-Start"]
        self._record.answers.append(
            Answer(self.name, url, told["pod"], session, start, self._began, now)
        )

    def _failed(self, method: str, url: str, error: Exception) -> bool:
        if url in self._killed:
            self._record.lost += 1
            return False
        self._complain(url, f"{method}: {error!r}")
        return True

    def _complain(self, url: str, what: str) -> None:
        self._record.wrong.append(f"{datetime.now(UTC):%T.%f} {self.name} at {url}: {what}")
