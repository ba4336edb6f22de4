"""The SDK for programs with an event loop."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Self, cast

import structlog

from gamesession.client.managed import GameSession
from gamesession.client.manager import FALLS_BACK, Manager
from gamesession.client.settings import interval_of, settings_of, timeout_of

log = structlog.get_logger(__name__)


class AsyncGameSessionManager:
    """Sessions for a back end. Bound to the event loop that it is first used on; forks, and other
    loops, want one of their own.

    Args and errors are those of `GameSessionManager`; `fallback` may be a coroutine function. The
    sessions' own methods return at once, and may be called by all threads.
    """

    def __init__(
        self,
        session_timeout: float | None = None,
        cleanup_interval: float = 5,
        namespace: str | None = None,
        fallback: Callable[[str, str], object | Awaitable[object]] | None = None,
        *,
        kubeconfig: str | Path | None = None,
        context: str | None = None,
        hold: float | None = None,
    ) -> None:
        self._fallback = fallback
        self._manager = Manager(
            settings_of(namespace=namespace, kubeconfig=kubeconfig, context=context, hold=hold),
            idle_timeout=timeout_of(session_timeout),
            interval=interval_of(cleanup_interval),
            users_loop=True,
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def create_session(self, user_id: str, game_id: str) -> GameSession:
        """See `GameSessionManager.create_session`."""
        try:
            return await self._manager.create(user_id, game_id)
        except FALLS_BACK as error:
            if self._fallback is None:
                raise
            known = self._manager.degraded(user_id, game_id)
            if known is not None:
                return known
            log.warning("fallback used", user=user_id, game=game_id, error=error.code)
        given = self._fallback(user_id, game_id)
        if inspect.isawaitable(given):
            given = await given
        return cast(GameSession, self._manager.degrade(user_id, game_id, given))

    async def get_session(self, session_id: str) -> GameSession | None:
        """See `GameSessionManager.get_session`."""
        return await self._manager.find(session_id)

    async def close_session(self, session_id: str) -> bool:
        """See `GameSessionManager.close_session`."""
        return await self._manager.end(session_id)

    async def get_session_count(self) -> int:
        """See `GameSessionManager.get_session_count`."""
        return await self._manager.count()

    async def get_user_session_count(self, user_id: str) -> int:
        """See `GameSessionManager.get_user_session_count`."""
        return await self._manager.count(user_id)

    async def close(self) -> None:
        """See `GameSessionManager.close`."""
        await self._manager.close()
