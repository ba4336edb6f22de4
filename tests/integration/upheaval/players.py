"""Those who play, each in a way of their own."""

from __future__ import annotations

import asyncio
import itertools
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import unquote

import aiohttp

from gamesession.api.identity import SESSION_HEADER
from tests.handlers.gateway.stage import bearer
from tests.integration.upheaval.account import Account

RETRY_SECONDS: Final = 1.0
UNDERSTOOD: Final = ("unavailable", "session_starting")
"""What someone may be told whose session is yet to be made, while nobody can make one."""


@dataclass(frozen=True)
class Arcade:
    """What players share.

    Attributes:
        urls: of gateways; nobody prefers one.
        http: their connections.
    """

    urls: Sequence[str]
    http: aiohttp.ClientSession
    account: Account


class Player:
    """Someone with a name.

    Args:
        may_end: whether the session may have ended by idling when the next request comes.

    Attributes:
        session: the id of the last one that answered.
    """

    def __init__(self, arcade: Arcade, name: str, game: str, *, may_end: bool = False) -> None:
        self.name = name
        self._may_end = may_end
        self.session = ""
        self._arcade = arcade
        self.account = arcade.account
        self._game = game
        self._headers = bearer(name)

    async def ask(self) -> None:
        """A request, again until it is answered."""
        answered = await self._ask()
        while not answered:
            await asyncio.sleep(RETRY_SECONDS)
            answered = await self._ask()

    async def _ask(self) -> bool:
        url, began = random.choice(self._arcade.urls), datetime.now(UTC)
        path = f"{url}/api/{self._game}/move"
        try:
            async with self._arcade.http.get(path, headers=self._headers) as answer:
                if answer.status != 200:
                    return await self._refused(answer)
                await self._hear(answer, began)
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            self.account.answers["no answer"] += 1
            self.account.complain(self.name, f"no answer from {url}: {error!r}")
            return False
        return True

    async def _hear(self, answer: aiohttp.ClientResponse, began: datetime) -> None:
        told: Any = await answer.json()
        session, start = unquote(answer.headers[SESSION_HEADER]), answer.headers["X-Game-Start"]
        if (
            told["user"] != self.name
            or told["pod"] != told["told_pod"]
            or told["session"] != session
            or not session.startswith(f"{self.name}_{self._game}_")
        ):
            self.account.complain(self.name, f"{session} was answered by another's pod: {told}")
        self.session = session
        self.account.answers["200"] += 1
        self.account.used(session, began)
        seconds = (datetime.now(UTC) - began).total_seconds()
        self.account.waits.setdefault(start, []).append(seconds)

    async def _refused(self, answer: aiohttp.ClientResponse) -> bool:
        text = await answer.text()
        code = next((each for each in UNDERSTOOD if f'"{each}"' in text), "")
        runs = bool(self.session) and not self._may_end
        kind = "a running session's" if runs else "a new session's"
        self.account.answers[f"{answer.status} {code} ({kind})"] += 1
        if runs or not code or answer.status != 503:
            self.account.complain(self.name, f"{answer.status} {text}")
        return False

    @asynccontextmanager
    async def socket(self) -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
        """A WebSocket. The session that it belongs to is known by then."""
        url, began = random.choice(self._arcade.urls), datetime.now(UTC)
        path = f"{url}/api/{self._game}/live"
        async with self._arcade.http.ws_connect(path, headers=self._headers) as socket:
            self.account.answers["101"] += 1
            session = self.session
            self.account.used(session, began, opened=1)
            try:
                yield socket
            finally:
                self.account.used(session, began, opened=-1)


async def steadily(player: Player) -> None:
    """A request every second or so."""
    while True:
        await player.ask()
        await asyncio.sleep(random.uniform(0.5, 1.5))


async def late_in_the_timeout(player: Player) -> None:
    """Comes back when the session is about to end, and always soon enough."""
    timeout = player.account.timeout.total_seconds()
    while True:
        await player.ask()
        await asyncio.sleep(random.uniform(0.5, 0.95) * timeout)


async def around_the_timeout(player: Player) -> None:
    """Comes back when the session has ended, or is about to."""
    timeout = player.account.timeout.total_seconds()
    while True:
        await player.ask()
        await asyncio.sleep(random.uniform(0.9, 1.6) * timeout)


async def chatting(player: Player) -> None:
    """Says something on a WebSocket every second."""

    async def talk(socket: aiohttp.ClientWebSocketResponse) -> None:
        for word in map(str, itertools.count()):
            await socket.send_str(word)
            if (await socket.receive()).data != word:
                return
            player.account.answers["echo"] += 1
            await asyncio.sleep(1)

    await _on_sockets(player, talk)


async def listening(player: Player) -> None:
    """Has a WebSocket open and says nothing: that is activity enough."""

    async def listen(socket: aiohttp.ClientWebSocketResponse) -> None:
        await socket.receive()

    await _on_sockets(player, listen)


async def _on_sockets(
    player: Player, use: Callable[[aiohttp.ClientWebSocketResponse], Awaitable[None]]
) -> None:
    """One WebSocket after another: it breaks when the pod goes."""
    while True:
        await player.ask()
        try:
            async with player.socket() as socket:
                await use(socket)
        except aiohttp.WSServerHandshakeError as error:
            player.account.complain(player.name, f"no WebSocket: {error!r}")
        except (aiohttp.ClientError, OSError) as error:
            player.account.answers[f"WebSocket: {type(error).__name__}"] += 1
        player.account.answers["WebSocket ended"] += 1


async def visiting(arcade: Arcade, games: Sequence[str], place: int) -> None:
    """One user after another comes, plays a little, and never comes again."""
    for number in itertools.count():
        player = Player(arcade, f"visitor-{place}-{number}", random.choice(games))
        for _ in range(random.randint(1, 4)):
            await player.ask()
            await asyncio.sleep(random.uniform(0.2, 1.0))
        await asyncio.sleep(random.uniform(2.0, 8.0))
