"""The SDK for programs without an event loop: the same, on a thread of its own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Self, cast

import structlog

from gamesession.client.managed import GameSession
from gamesession.client.manager import FALLS_BACK, Manager
from gamesession.client.process import PROCESS
from gamesession.client.settings import interval_of, settings_of, timeout_of

log = structlog.get_logger(__name__)


class GameSessionManager:
    """Sessions for a back end. All threads may use it, and so may forks.

    It connects when it is first used, in each process by itself.

    Args:
        session_timeout: minutes without activity after which the sessions that it makes end;
            `None` for the Game's own timeout.
        cleanup_interval: seconds between two comparisons with the API server while its watch is
            silent.
        namespace: of the Games; `None` for `GAMESESSION_NAMESPACE`, else `default`.
        fallback: gives the session when none can be had: the API server is away, there is no
            capacity, the start failed, or took longer than the hold. It is called with user and
            game, and returns the degraded session's services by name (`str` for URLs, other
            objects are stored), `None` for a session without any, or a session of its own making.
        kubeconfig: a kubeconfig file; `None` for `GAMESESSION_KUBECONFIG`, else the pod's
            account, else kubectl's.
        context: a context in it; `None` for `GAMESESSION_CONTEXT`, else its current one.
        hold: seconds that a session may take to be Ready; `None` for `GAMESESSION_HOLD`, else 25.

    Raises:
        ValueError: an argument, or a setting of the environment, is not usable.
    """

    def __init__(
        self,
        session_timeout: float | None = None,
        cleanup_interval: float = 5,
        namespace: str | None = None,
        fallback: Callable[[str, str], object] | None = None,
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
            users_loop=False,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def create_session(self, user_id: str, game_id: str) -> GameSession:
        """The user's session of a game once it is Ready; made if there is none. Counts as activity.

        Args:
            user_id: 1 to 253 characters, no control characters.
            game_id: name of a Game.

        Raises:
            GameSessionError: there is none to be had, and no fallback: `SessionStarting` (it goes
                on starting), `Capacity`, `StartFailed`, `Unavailable`; whether there is one or
                not: `GameNotFound`, `GameSuspended`, `BadRequest`, `NameCollision`.
            NoCluster: no way to an API server is configured.
        """
        try:
            return PROCESS.background().run(self._manager.create(user_id, game_id))
        except FALLS_BACK as error:
            if self._fallback is None:
                raise
            known = self._manager.degraded(user_id, game_id)
            if known is not None:
                return known
            log.warning("fallback used", user=user_id, game=game_id, error=error.code)
        given = self._fallback(user_id, game_id)
        return cast(GameSession, self._manager.degrade(user_id, game_id, given))

    def get_session(self, session_id: str) -> GameSession | None:
        """The one life of a session that the id names; `None` if it is over, or never was.

        A look: it neither creates nor counts as activity.

        Raises:
            Unavailable: we know of none, and the API server does not answer.
            NoCluster: no way to an API server is configured.
        """
        return PROCESS.background().run(self._manager.find(session_id))

    def close_session(self, session_id: str) -> bool:
        """End the one life of a session that the id names, everywhere.

        Returns:
            Whether it was there to be ended.

        Raises:
            Unavailable: the API server does not answer.
            NoCluster: no way to an API server is configured.
        """
        return PROCESS.background().run(self._manager.end(session_id))

    def get_session_count(self) -> int:
        """How many sessions live in the namespace, whoever made them; failed and degraded ones do
        not count.

        Raises:
            Unavailable: the API server has not answered yet.
            NoCluster: no way to an API server is configured.
        """
        return PROCESS.background().run(self._manager.count())

    def get_user_session_count(self, user_id: str) -> int:
        """How many of them are a user's. Raises the same."""
        return PROCESS.background().run(self._manager.count(user_id))

    def close(self) -> None:
        """Clean up all objects stored here, in this process, and write what is known of activity.
        It ends no session. Twice is fine; at interpreter exit it comes by itself.

        Waits for cleanups, up to 10 s.
        """
        if self._manager.idle:
            self._manager.abandon()
        else:
            PROCESS.background().run(self._manager.close())
