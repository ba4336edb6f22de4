"""A WebSocket between a client and a pod, from its handshake to its end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

from aiohttp.base_protocol import BaseProtocol

from gamesession.gateway.flow import Flow
from gamesession.gateway.frames import close, ping

MISSES: Final = 2
CLOSE_SECONDS: Final = 5.0
"""How long client and pod have to answer a Close, and to close their connections."""

GOING_AWAY: Final = 1001
SERVICE_RESTART: Final = 1012
BAD_GATEWAY: Final = 1014
TOKEN_EXPIRED: Final = 4401
MAX_LIFETIME: Final = 4408
SESSION_ENDED: Final = 4410


class Tunnel:
    """Carries frames both ways as they come; says Ping and Close between them.

    Args:
        client, pod: the connections, their handshake done.
        on_data: called when frames of messages go by, in either direction.
        ping_seconds: between two Pings to the client.
    """

    def __init__(
        self,
        client: BaseProtocol,
        pod: BaseProtocol,
        *,
        on_data: Callable[[], None],
        ping_seconds: float,
    ) -> None:
        self.to_pod = Flow(client, pod, on_data=on_data, on_end=self._look)
        self.to_client = Flow(pod, client, on_data=on_data, on_end=self._look)
        self._loop = asyncio.get_running_loop()
        self._over = asyncio.Event()
        self._ping_seconds = ping_seconds
        self._misses = 0
        self.to_pod.heard = True  # the handshake
        self._pinging = self._loop.call_later(ping_seconds, self._ping)
        self._patience: asyncio.TimerHandle | None = None

    async def run(self) -> None:
        """Wait for its end, and let go of the connections, which are to be closed then."""
        try:
            await self._over.wait()
        finally:
            self._pinging.cancel()
            if self._patience:
                self._patience.cancel()
            self.to_pod.cancel()
            self.to_client.cancel()

    def end(self, code: int, reason: str) -> None:
        """Say Close to both, with a code and words for the client, unless it is said already."""
        if self._patience is not None:
            return
        if not self.to_client.frames.closed:
            self.to_client.say(close(code, reason, masked=False), last=True)
        if not self.to_pod.frames.closed:
            self.to_pod.say(close(GOING_AWAY, "", masked=True), last=True)
        self._wait_a_little()

    def _wait_a_little(self) -> None:
        if self._patience is None:
            self._patience = self._loop.call_later(CLOSE_SECONDS, self._over.set)

    def _look(self) -> None:
        """One of them has said Close, or is gone."""
        by_client, by_pod = self.to_pod, self.to_client
        if by_client.ended or (by_pod.ended and by_pod.frames.closed):
            self._over.set()
        elif self._patience is not None and by_client.frames.closed:
            self._over.set()  # it has answered our Close
        elif by_pod.ended:
            self.end(BAD_GATEWAY, "The connection to the session's pod has ended.")
        elif by_client.frames.closed and by_pod.frames.closed:
            self._wait_a_little()  # a server closes the connection first (RFC 6455, 7.1.1)

    def _ping(self) -> None:
        self._misses = 0 if self.to_pod.heard else self._misses + 1
        if self._misses == MISSES:
            self._over.set()
            return
        self.to_pod.heard = False
        if not self.to_client.frames.closed and self._patience is None:
            self.to_client.say(ping())
        self._pinging = self._loop.call_later(self._ping_seconds, self._ping)
