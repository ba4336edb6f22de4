"""Users, who create sessions as the gateway does for them."""

from __future__ import annotations

import asyncio
import itertools
import secrets
import time
from typing import Any

from gamesession.api.names import session_name
from gamesession.kube.resources import GAMES, SESSIONS
from tests.bench.bare import Bare, Object
from tests.integration.bodies import game, session
from tests.integration.playground import owned

GAME = "bench"
PATIENCE = 60.0
LOOK_EVERY = 0.1


class Users:
    """Those of one Game in one namespace.

    Attributes:
        game: the Game; empty before there is one.
    """

    def __init__(self, bare: Bare, namespace: str) -> None:
        self._bare = bare
        self._marked = secrets.token_hex(3)
        self._numbers = itertools.count(1)
        self.namespace = namespace
        self.game: Object = {}

    async def add_game(self, **spec: Any) -> None:
        """Create the Game.

        Args:
            spec: fields of its spec, by their names in the API.
        """
        self.game = await self._bare.create(GAMES, self.namespace, game(GAME, **spec))

    def next_session(self) -> Object:
        """The session of somebody who was not there before, as the gateway would create it."""
        user = f"user-{self._marked}-{next(self._numbers)}"
        return owned(session(session_name(GAME, user), user=user, game=GAME), self.game)

    async def clear(self) -> None:
        """End all sessions.

        Raises:
            TimeoutError: they do not go.
        """
        sessions, _ = await self._bare.list(SESSIONS, self.namespace)
        await asyncio.gather(*(self._delete(each["metadata"]) for each in sessions))
        ends = time.monotonic() + PATIENCE
        while (await self._bare.list(SESSIONS, self.namespace))[0]:
            if time.monotonic() > ends:
                raise TimeoutError(f"sessions stay in {self.namespace}")
            await asyncio.sleep(LOOK_EVERY)

    async def _delete(self, meta: Object) -> None:
        await self._bare.delete(SESSIONS.path(self.namespace, meta["name"]), meta["uid"])
