"""Connections to pods: kept open between requests, and never handed from one pod to another.

aiohttp keeps idle connections by address, and an address may soon be another user's. So every pod
has a pool of its own, which is closed when the pod is gone.
"""

from __future__ import annotations

import asyncio
from typing import Final

import aiohttp
from aiohttp import hdrs
from yarl import URL

from gamesession.api.address import address
from gamesession.client.directory import Directory
from gamesession.client.pod import Pod
from gamesession.gateway.peer import Peer

KEEP_ALIVE: Final = 1.5
"""Seconds that an idle connection is kept: less than servers do (2 s and more), or a request that
must not be repeated would be lost on a connection that the pod closes at this moment."""

CONNECT_SECONDS: Final = 0.3
READ_BUFFER: Final = 2**16

# Nothing is said to the pod in the client's name that the client did not say.
_OURS: Final = (hdrs.ACCEPT, hdrs.ACCEPT_ENCODING, hdrs.USER_AGENT, hdrs.CONTENT_TYPE)


class Upstreams:
    """The pools of connections, one for each pod.

    Args:
        idle: seconds that an answer may stand still, once its head is there.
        max_line: bytes of the longest header that a pod may answer.
    """

    def __init__(self, directory: Directory, *, idle: float, max_line: int) -> None:
        self._sessions: dict[tuple[str, str], aiohttp.ClientSession] = {}
        self._peers: dict[tuple[str, str], dict[int, Peer]] = {}
        self._idle = idle
        self._max_line = max_line
        self._closing: set[asyncio.Task[None]] = set()
        directory.pods.subscribe(self._pod_changed)

    def of(self, pod: Pod) -> aiohttp.ClientSession:
        """The pool of a pod at its present address."""
        session = self._sessions.get((pod.uid, pod.ip))
        if session is None:
            session = self._sessions[pod.uid, pod.ip] = open_client(
                idle=self._idle, max_line=self._max_line
            )
        return session

    def peer(self, pod: Pod, port: int) -> Peer:
        """A port of a pod at its present address, for requests without a body."""
        peers = self._peers.setdefault((pod.uid, pod.ip), {})
        if (peer := peers.get(port)) is None:
            peer = peers[port] = Peer(
                self.of(pod),
                URL(origin(pod.ip, port)),
                idle=self._idle,
                max_line=self._max_line,
                buffer=READ_BUFFER,
            )
        return peer

    async def close(self) -> None:
        """Close all connections."""
        for session in list(self._sessions.values()):
            await session.close()
        self._sessions.clear()
        self._peers.clear()
        if self._closing:
            await asyncio.wait(self._closing)

    def _pod_changed(self, old: Pod | None, new: Pod | None) -> None:
        if old is None or (new is not None and new.ip == old.ip and not new.stopped):
            return  # one that is only being deleted may still answer what it has
        self._peers.pop((old.uid, old.ip), None)
        if session := self._sessions.pop((old.uid, old.ip), None):
            task = asyncio.create_task(session.close())
            self._closing.add(task)
            task.add_done_callback(self._closing.discard)


def open_client(
    *, idle: float, max_line: int, connect: float = CONNECT_SECONDS
) -> aiohttp.ClientSession:
    """A pool of connections over which requests go on as they came.

    Args:
        idle: seconds that an answer may stand still, once its head is there.
        max_line: bytes of the longest header that may be answered.
        connect: seconds that a connection may take to be there.
    """
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=KEEP_ALIVE, use_dns_cache=False),
        cookie_jar=aiohttp.DummyCookieJar(),
        auto_decompress=False,
        skip_auto_headers=_OURS,
        timeout=aiohttp.ClientTimeout(total=None, sock_connect=connect, sock_read=idle),
        read_bufsize=READ_BUFFER,
        max_line_size=max_line,
        max_field_size=max_line,
        trust_env=False,
    )


def origin(ip: str, port: int, scheme: str = "http") -> str:
    """`scheme://ip:port`, brackets around an IPv6 address."""
    return f"{scheme}://{address(ip, port)}"
