"""The reverse proxy: plain HTTP to a component, TLS to the API server."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, Self

import aiohttp
import yaml
from aiohttp import web
from multidict import CIMultiDict
from yarl import URL

from tests.cluster.controlplane import ControlPlane
from tests.faults.fault import Answer, Fault
from tests.faults.request import Request
from tests.faults.stream import Stream

HOP_BY_HOP: Final = frozenset(
    {"connection", "keep-alive", "transfer-encoding", "upgrade", "content-length", "host"}
)


@dataclass
class Rule:
    """Which requests meet a fault.

    Attributes:
        skip: how many that match pass before.
        times: how many of those after meet it.
        met: those that did.
    """

    matches: Callable[[Request], bool]
    fault: Fault
    skip: int = 0
    times: int = 1
    met: list[Request] = field(default_factory=list)

    def takes(self, request: Request) -> bool:
        """Whether this one meets the fault."""
        if len(self.met) >= self.times or not self.matches(request):
            return False
        if self.skip:
            self.skip -= 1
            return False
        self.met.append(request)
        return True


class Proxy:
    """Stands before a control plane's API server. Enter it to start it.

    Attributes:
        requests: all that came, in order.
    """

    def __init__(self, plane: ControlPlane, directory: Path) -> None:
        self._plane = plane
        self._directory = directory
        self._rules: list[Rule] = []
        self._streams: list[Stream] = []
        self._silent = False
        self._runner: web.ServerRunner | None = None
        self._client: aiohttp.ClientSession | None = None
        self._port = 0
        self.requests: list[Request] = []
        self.watches_allowed = True

    async def __aenter__(self) -> Self:
        trusted = ssl.create_default_context(cafile=self._plane.api.authority)
        connector = aiohttp.TCPConnector(ssl=trusted, limit=0)
        self._client = aiohttp.ClientSession(
            connector=connector, auto_decompress=False, timeout=aiohttp.ClientTimeout(total=None)
        )
        await self.up()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.down()
        if self._client is not None:
            await self._client.close()

    @property
    def kubeconfig(self) -> Path:
        """A kubeconfig that leads here, with the administrator's token."""
        return self.before(self._plane.kubeconfig)

    def before(self, kubeconfig: Path) -> Path:
        """A kubeconfig of the same user that leads here."""
        config = yaml.safe_load(kubeconfig.read_text())
        config["clusters"][0]["cluster"] = {"server": f"http://127.0.0.1:{self._port}"}
        path = self._directory / f"proxy-{kubeconfig.name}"
        path.write_text(yaml.safe_dump(config))
        return path

    @property
    def writes(self) -> list[Request]:
        """The requests that change something."""
        return [request for request in self.requests if request.is_write]

    def add(
        self, matches: Callable[[Request], bool], fault: Fault, *, skip: int = 0, times: int = 1
    ) -> Rule:
        """Let requests meet a fault from now on."""
        rule = Rule(matches, fault, skip, times)
        self._rules.append(rule)
        return rule

    def clear(self) -> None:
        """No faults of requests any more."""
        self._rules.clear()

    # Watches that stand -------------------------------------------------------------------------

    def watches(self, resource: str = "") -> list[Stream]:
        """Those that stand, of one kind of object or of all."""
        return [each for each in self._streams if resource in ("", each.request.resource)]

    def cut(self) -> None:
        """End all watches that stand."""
        for stream in self.watches():
            stream.cut()

    def silence(self) -> None:
        """No watch tells anything any more, neither those that stand nor those that will."""
        self._silent = True
        for stream in self.watches():
            stream.silent = True

    def restore(self) -> None:
        """Watches tell again. What they missed in silence stays untold: those that stand break."""
        self._silent = False
        self.cut()

    # The listener -------------------------------------------------------------------------------

    async def up(self) -> None:
        """Listen, at the port of before."""
        server = web.Server(self._handle, handler_cancellation=True, access_log=None)
        self._runner = web.ServerRunner(server, shutdown_timeout=0)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self._port)
        await site.start()
        self._port = self._runner.addresses[0][1]

    async def down(self) -> None:
        """End all connections and refuse new ones."""
        self.cut()
        if self._runner is not None:
            await self._runner.cleanup()
            self._runner = None

    # A request ----------------------------------------------------------------------------------

    async def _handle(self, incoming: web.BaseRequest) -> web.StreamResponse:
        request = Request(
            datetime.now(UTC),
            incoming.method,
            incoming.url,
            CIMultiDict(incoming.headers),
            await incoming.read(),
        )
        self.requests.append(request)
        rule = next((rule for rule in self._rules if rule.takes(request)), None)
        if rule is not None:
            answer = await rule.fault(request, lambda: self._forward(request))
        elif request.verb == "watch":
            return await self._stream(incoming, request)
        else:
            answer = await self._forward(request)
        if answer is None:
            return _hang_up(incoming)
        return web.Response(status=answer.status, headers=answer.headers, body=answer.body)

    async def _forward(self, request: Request) -> Answer:
        # Once begun it is done, though the one who asked be gone: the API server would not stop.
        return await asyncio.shield(self.ask(request))

    async def ask(self, request: Request) -> Answer:
        """What the API server says to a request."""
        async with self._open(request) as answer:
            # A watch has no end to read to: of one that meets a fault nothing is heard.
            body = b"" if request.verb == "watch" else await answer.read()
            return Answer(answer.status, _end_to_end(answer.headers), body)

    async def _stream(self, incoming: web.BaseRequest, request: Request) -> web.StreamResponse:
        if not self.watches_allowed:
            return _hang_up(incoming)
        stream = Stream(request)
        stream.silent = self._silent
        self._streams.append(stream)
        outgoing = web.StreamResponse()
        try:
            async with self._open(request) as answer:
                outgoing = web.StreamResponse(
                    status=answer.status, headers=_end_to_end(answer.headers)
                )
                await outgoing.prepare(incoming)
                await stream.carry(answer, outgoing)
                return outgoing
        except (asyncio.CancelledError, aiohttp.ClientError, ConnectionError):
            if stream.last_words is None or not outgoing.prepared:
                return _hang_up(incoming)
            await outgoing.write(stream.last_words)
            return outgoing
        finally:
            self._streams.remove(stream)

    def _open(self, request: Request) -> aiohttp.client._RequestContextManager:
        assert self._client is not None
        return self._client.request(
            request.method,
            URL(self._plane.server + request.url.raw_path_qs, encoded=True),
            headers=_end_to_end(request.headers),
            data=request.body or None,
            allow_redirects=False,
        )


def _hang_up(incoming: web.BaseRequest) -> web.Response:
    if incoming.transport is not None:
        incoming.transport.abort()
    return web.Response(status=502)


def _end_to_end(headers: Mapping[str, str]) -> CIMultiDict[str]:
    return CIMultiDict(
        (name, value) for name, value in headers.items() if name.lower() not in HOP_BY_HOP
    )
