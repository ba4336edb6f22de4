"""The gateway as a process: from its settings to SIGTERM."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import structlog
from aiohttp import web

from gamesession.admin import admin_application, serve_admin
from gamesession.client.activity import Activity
from gamesession.client.directory import Directory
from gamesession.client.limits import Limits
from gamesession.client.sessions import Sessions
from gamesession.gateway.auth import Authenticator
from gamesession.gateway.body import Body
from gamesession.gateway.collector import calm_collector
from gamesession.gateway.dial import Dials
from gamesession.gateway.drain import Drain
from gamesession.gateway.endpoints import Endpoints
from gamesession.gateway.entrance import Entrance
from gamesession.gateway.events import Events
from gamesession.gateway.fallback import Fallbacks
from gamesession.gateway.gateway import Gateway
from gamesession.gateway.hold import Holds
from gamesession.gateway.keyring import Keyring
from gamesession.gateway.keys import load_keys
from gamesession.gateway.listening import cease_to_listen
from gamesession.gateway.metrics import game_changed
from gamesession.gateway.page import Pages
from gamesession.gateway.places import Places
from gamesession.gateway.protocol import GatewayServer
from gamesession.gateway.proxy import Proxy
from gamesession.gateway.routes import Routes
from gamesession.gateway.settings import GatewaySettings
from gamesession.gateway.upstream import READ_BUFFER, Upstreams, open_client
from gamesession.gateway.websockets import WebSockets
from gamesession.kube.cluster import Cluster
from gamesession.kube.connection import load
from gamesession.kube.metrics import WATCH_AGE

COMPONENT: Final = "gateway"
FLUSH_SECONDS: Final = 5.0
LINGER_SECONDS: Final = 1.0
"""For what is already answered to be written."""

KEEP_ALIVE: Final = 630.0
"""Seconds that a client's idle connection is kept: longer than load balancers keep theirs (up to
600 s), or they would send requests into connections that we close at this moment."""

DEAF_SECONDS: Final = 60.0
"""A watch gives a sign of life every 30 s: one that gave none for so long hears nothing."""

log = structlog.get_logger(__name__)


class Service:
    """A running gateway.

    Attributes:
        port: where it listens.
    """

    def __init__(self, settings: GatewaySettings, cluster: Cluster, keys: Keyring) -> None:
        self._settings = settings
        self._cluster = cluster
        self.directory = Directory(cluster, settings.namespace)
        self._informers = (self.directory.games, self.directory.sessions, self.directory.pods)
        for informer in self._informers:
            WATCH_AGE.labels(informer.resource.plural).set_function(informer.age)
        self.directory.games.subscribe(game_changed)
        self.activity = Activity(cluster, settings.namespace, self.directory)
        self._upstreams = Upstreams(
            self.directory,
            idle=settings.idle_stream_timeout.total_seconds(),
            max_line=settings.max_header_bytes,
        )
        self.drain = Drain(grace=settings.shutdown_grace.total_seconds())
        self.websockets = WebSockets(
            self.directory, self.drain, ping_seconds=settings.websocket_ping.total_seconds()
        )
        limits = Limits(
            self.directory,
            sessions_per_user=settings.max_sessions_per_user,
            creations_per_user=settings.creations_per_user,
        )
        sessions = Sessions(
            cluster, settings.namespace, self.directory, component=COMPONENT, limits=limits
        )
        self.holds = self._make_holds(sessions)
        self._keys = keys
        self._entrance = Entrance(settings, Authenticator(settings, keys))
        self._gateway = self._make_gateway(sessions)
        self._runner: web.ServerRunner | None = None
        self._following: asyncio.Task[None] | None = None
        self._renewing: asyncio.Task[None] | None = None
        self.port = 0

    async def start(self) -> None:
        """Follow the API server and listen.

        Raises:
            OSError: the port is taken.
        """
        settings = self._settings
        server = GatewayServer(
            self.drain.around(self._gateway.handle),
            self._entrance,
            leaving=lambda: self.drain.begun,
            # An abandoned request frees its place, and its pod, at once.
            handler_cancellation=True,
            access_log=None,
            keepalive_timeout=KEEP_ALIVE,
            auto_decompress=False,
            read_bufsize=READ_BUFFER,
            max_line_size=settings.max_header_bytes,
            max_field_size=settings.max_header_bytes,
        )
        self._following = asyncio.create_task(self.directory.run())
        self._renewing = asyncio.create_task(self._keys.run(), name="keys")
        self._runner = web.ServerRunner(server, shutdown_timeout=LINGER_SECONDS)
        await self._runner.setup()
        await web.TCPSite(self._runner, settings.host, settings.port, backlog=1024).start()
        self.port = self._runner.addresses[0][1]

    async def leave(self) -> None:
        """Send clients away, unready, for as long as new ones may come: whoever routes them here
        takes a while to notice."""
        self.drain.begin()
        await asyncio.sleep(self._settings.shutdown_delay.total_seconds())

    async def stop(self) -> None:
        """Take no more connections, finish the open requests, write all activity, and close."""
        if self._runner is not None and self._runner.server is not None:
            await cease_to_listen(self._runner, self._runner.server)
            # aiohttp's own shutdown reads no more of the bodies that are on their way. And what
            # was used is written twice: who stops us may run out of patience with the requests.
            await asyncio.gather(self.drain.finish(), self.activity.flush(FLUSH_SECONDS))
            await self._runner.cleanup()
        await self.activity.flush(FLUSH_SECONDS)
        tasks = [task for task in (self._following, self._renewing) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._upstreams.close()
        await self._fallback_client.close()

    def unready(self) -> list[str]:
        """Why this replica should get no requests."""
        waiting = [each.resource.plural for each in self._informers if not each.synced.is_set()]
        stopping = ["stopping"] if self.drain.begun else []
        keyless = [] if self._keys.found else ["the issuer's keys not fetched yet"]
        return stopping + keyless + [f"{plural} not listed yet" for plural in waiting]

    def unhealthy(self) -> list[str]:
        """Why this process should be replaced."""
        if self._following is not None and self._following.done():
            return ["the API server is no longer followed"]
        if self._cluster.contact.lost:
            return []  # a new process would know less than this one
        return [
            f"{each.resource.plural}: no sign of life for {each.age():.0f} s"
            for each in self._informers
            if each.synced.is_set() and each.age() > DEAF_SECONDS and not each.refused
        ]

    def _make_holds(self, sessions: Sessions) -> Holds:
        settings = self._settings
        patience = settings.connect_timeout.total_seconds()
        return Holds(
            sessions,
            self.directory,
            self.activity,
            Dials(self.directory, self._upstreams, patience=patience),
            Places(settings.max_held, settings.max_held_per_game, settings.max_held_per_user),
            self.drain,
            hold=settings.hold.total_seconds(),
        )

    def _make_gateway(self, sessions: Sessions) -> Gateway:
        pages = Pages(self.directory, after=self._settings.page_after.total_seconds())
        proxy = Proxy(
            self.holds,
            self._upstreams,
            self.activity,
            sessions,
            self.websockets,
            self.drain,
            hold_of=pages.hold,
            patience=self._settings.response_timeout.total_seconds(),
            idle=self._settings.idle_stream_timeout.total_seconds(),
        )
        endpoints = Endpoints(sessions, self.activity)
        events = Events(
            sessions, self.directory, self.activity, endpoints, self.holds.places, self.drain
        )
        return Gateway(
            self._entrance,
            Routes(self.directory),
            endpoints,
            events,
            proxy,
            self._make_fallbacks(),
            pages,
            self._body_of,
        )

    def _make_fallbacks(self) -> Fallbacks:
        settings = self._settings
        idle = settings.idle_stream_timeout.total_seconds()
        self._fallback_client = open_client(
            idle=idle,
            max_line=settings.max_header_bytes,
            connect=settings.connect_timeout.total_seconds(),
        )
        return Fallbacks(
            self._fallback_client,
            self.websockets,
            self.drain,
            namespace=settings.namespace,
            allowed=settings.fallback_urls,
            patience=settings.response_timeout.total_seconds(),
            idle=idle,
        )

    def _body_of(self, request: web.BaseRequest) -> Body:
        settings = self._settings
        idle = settings.idle_stream_timeout.total_seconds()
        return Body(request, most=settings.max_body_bytes, idle=idle)


async def run(settings: GatewaySettings) -> None:
    """Serve until SIGTERM or SIGINT.

    Raises:
        BadKey, NoCluster: the settings lead to no key, or to no API server.
        OSError: a port is taken.
    """
    keys = load_keys(settings)
    configuration = await load(settings.kubeconfig, settings.context)
    async with Cluster(configuration, COMPONENT) as cluster, _stop_signal() as stop:
        service = Service(settings, cluster, keys)
        admin = await serve_admin(
            admin_application(service.unhealthy, service.unready),
            settings.admin_host,
            settings.admin_port,
        )
        try:
            await service.start()
            calm_collector()
            log.info("gateway started", port=service.port, namespace=settings.namespace)
            await stop.wait()
            log.info("gateway stopping")
            await service.leave()
        finally:
            await service.stop()
            await admin.cleanup()
    log.info("gateway stopped")


@asynccontextmanager
async def _stop_signal() -> AsyncIterator[asyncio.Event]:
    """Set by the first signal. The second one ends the process, whatever is under way: it need not
    have the default handler for that, for process 1 of a container has none."""
    stop, loop = asyncio.Event(), asyncio.get_running_loop()

    def heard(number: int) -> None:
        if stop.is_set():
            os._exit(128 + number)
        stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, heard, number)
    try:
        yield stop
    finally:
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(number)
