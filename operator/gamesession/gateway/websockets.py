"""The WebSockets that are open: begun by a pod's 101, ended with their session, with the token they
came with, or with this gateway."""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final

import aiohttp
from aiohttp import hdrs, web
from multidict import CIMultiDict

from gamesession.api.errors import UpstreamUnreachable
from gamesession.client.directory import Directory
from gamesession.gateway.drain import Drain
from gamesession.gateway.metrics import OPEN_STREAMS
from gamesession.gateway.relay import Relay
from gamesession.gateway.tunnel import (
    MAX_LIFETIME,
    SERVICE_RESTART,
    SESSION_ENDED,
    TOKEN_EXPIRED,
    Tunnel,
)
from gamesession.plan.game import Game
from gamesession.plan.session import Session

SWITCHING: Final = 101
TOKEN_GRACE: Final = 60.0
"""Seconds after a token's `exp` for which a WebSocket that it opened lives on (contract)."""


def is_websocket(request: web.BaseRequest) -> bool:
    """Whether a request asks for an upgrade to a WebSocket, and was read as one: what follows such
    a head is no HTTP."""
    asks = request.headers.get(hdrs.UPGRADE, "").strip().lower() == "websocket"
    return asks and request._message.upgrade


class Switched(Relay):
    """The answer 101: its head is all of it, and must not wait for more."""

    _send_headers_immediately = True


class WebSockets:
    """Carries WebSockets, and ends them.

    Args:
        ping_seconds: between two pings to a client.
        clock: Unix seconds.
    """

    def __init__(
        self,
        directory: Directory,
        drain: Drain,
        *,
        ping_seconds: float,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._directory = directory
        self._drain = drain
        self._ping_seconds = ping_seconds
        self._clock = clock
        self._open: dict[str, set[Tunnel]] = defaultdict(set)
        directory.sessions.subscribe(self._session_changed)

    def __len__(self) -> int:
        return sum(len(tunnels) for tunnels in self._open.values())

    async def carry(
        self,
        request: web.BaseRequest,
        answer: aiohttp.ClientResponse,
        headers: CIMultiDict[str],
        session: Session | None,
        *,
        game: str,
        expires: float,
        on_data: Callable[[], None],
    ) -> web.StreamResponse:
        """Answer 101 and carry frames until either side, or we, end it.

        Args:
            answer: the pod's 101.
            headers: what goes to the client with it.
            session: ends it with its own end; `None` for one of no session.
            game: the Game's name.
            expires: when the client's token does, Unix seconds.
            on_data: called when frames of messages go by.

        Raises:
            UpstreamUnreachable: the pod's connection is gone already.
        """
        pod = answer.connection.protocol if answer.connection is not None else None
        if pod is None or pod.transport is None:
            raise UpstreamUnreachable("The session's pod hung up at once.")
        headers[hdrs.CONNECTION], headers[hdrs.UPGRADE] = "Upgrade", "websocket"
        out = Switched(status=SWITCHING, reason=answer.reason, headers=headers)
        out.force_close()
        await out.prepare(request)
        tunnel = Tunnel(request.protocol, pod, on_data=on_data, ping_seconds=self._ping_seconds)
        timers = self._timers(tunnel, session, expires)
        uid = session.uid if session else ""
        self._open[uid].add(tunnel)
        try:
            request.protocol.set_parser(tunnel.to_pod)  # type: ignore[arg-type]
            pod.set_parser(tunnel.to_client, None)
            with (
                OPEN_STREAMS.labels(game).track_inprogress(),
                self._drain.ending(lambda: tunnel.end(SERVICE_RESTART, _STOPPING)),
            ):
                await tunnel.run()
        finally:
            for timer in timers:
                timer.cancel()
            self._forget(uid, tunnel)
        return out

    def _timers(
        self, tunnel: Tunnel, session: Session | None, expires: float
    ) -> list[asyncio.TimerHandle]:
        loop, now = asyncio.get_running_loop(), self._clock()
        left = max(0.0, expires + TOKEN_GRACE - now)
        timers = [loop.call_later(left, tunnel.end, TOKEN_EXPIRED, "The token has expired.")]
        game = self._directory.games.get(session.game) if session else None
        if session and (ends := _lifetime_ends(session, game)):
            left = max(0.0, ends.timestamp() - now)
            timers.append(loop.call_later(left, tunnel.end, MAX_LIFETIME, _OLD))
        return timers

    def _session_changed(self, old: Session | None, new: Session | None) -> None:
        if old is None or (new is not None and new.uid == old.uid and not new.deleting):
            return
        game = self._directory.games.get(old.game)
        ends = _lifetime_ends(old, game)
        over = ends is not None and ends <= datetime.fromtimestamp(self._clock(), UTC)
        for tunnel in tuple(self._open.get(old.uid, ())):
            if over:
                tunnel.end(MAX_LIFETIME, _OLD)
            else:
                tunnel.end(SESSION_ENDED, "The session has ended.")

    def _forget(self, uid: str, tunnel: Tunnel) -> None:
        self._open[uid].discard(tunnel)
        if not self._open[uid]:
            del self._open[uid]


_STOPPING: Final = "This gateway is stopping: connect again."
_OLD: Final = "The session has reached its greatest age."


def _lifetime_ends(session: Session, game: Game | None) -> datetime | None:
    if game is None or game.max_lifetime is None or session.started_at is None:
        return None
    return session.started_at + game.max_lifetime
