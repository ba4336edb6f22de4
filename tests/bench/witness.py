"""An observer that has nothing to do with gateway or operator: watches and probes of its own."""

from __future__ import annotations

import asyncio
import json
import ssl
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import Any, Self

import aiohttp

from demo.target import GAMES
from gamesession.kube.resources import PODS, SESSIONS, Resource
from tests.bench.stack import AGENT_PORT
from tests.bench.timeline import Timeline
from tests.cluster.api import API

BEGUN = "begun"
SESSION_CREATED = "session created"
POD_CREATED = "pod created"
BOUND = "pod bound"
IP = "IP in status"
HTTP = "pod answers HTTP"
ANSWERED = "answer"
POD_READY = "pod Ready"
SESSION_READY = "session Ready"
GONE = "pod gone"

PROBE_PAUSE = 0.003
PROBE_SECONDS = 0.5


class Witness:
    """Tells when what of a start can be seen from outside.

    Attributes:
        pod: the pod as it was last seen.
    """

    def __init__(self, api: API) -> None:
        self._api = api
        self.pod: dict[str, Any] = {}

    async def __aenter__(self) -> Self:
        self._http = aiohttp.ClientSession(
            self._api.server,
            headers={"Authorization": f"Bearer {self._api.token}"},
            connector=aiohttp.TCPConnector(
                ssl=ssl.create_default_context(cafile=str(self._api.authority))
            ),
            timeout=aiohttp.ClientTimeout(total=None),
            raise_for_status=True,
        )
        # Of its own, for pods must not see the token above; no connection is used twice.
        self._probes = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(force_close=True),
            timeout=aiohttp.ClientTimeout(total=PROBE_SECONDS),
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._http.close()
        await self._probes.close()

    @asynccontextmanager
    async def watching(
        self, pods: dict[str, str], session: str | None = None, *, probe: bool = True
    ) -> AsyncIterator[Timeline]:
        """The timeline of one pod, and of the session it is for, from before it exists.

        Args:
            pods: query that selects the pod.
            session: name of the session.
            probe: whether to ask the pod when it answers, which costs it a little.

        Raises:
            aiohttp.ClientError: the API server does not let it be watched.
        """
        timeline = Timeline()
        self.pod = {}
        streams = [self._follow(await self._watch(PODS, pods), partial(self._pod, timeline))]
        if session:
            query = {"fieldSelector": f"metadata.name={session}"}
            streams.append(
                self._follow(await self._watch(SESSIONS, query), partial(_session, timeline))
            )
        if probe:
            streams.append(self._probe(timeline))
        tasks = [asyncio.create_task(each) for each in streams]
        try:
            yield timeline
        finally:
            for task in tasks:
                task.cancel()
            for ended in await asyncio.gather(*tasks, return_exceptions=True):
                if isinstance(ended, Exception):
                    raise OSError(f"what was watched is not known to the end: {ended!r}") from ended

    async def create_pod(self, pod: dict[str, Any]) -> dict[str, Any]:
        """Create a pod; what the API server made of it."""
        async with self._http.post(PODS.path(GAMES), json=pod) as answer:
            made: dict[str, Any] = await answer.json()
            return made

    async def delete_pod(self, name: str) -> None:
        """Delete a pod as anybody would."""
        async with self._http.delete(PODS.path(GAMES, name)):
            pass

    async def _watch(self, resource: Resource, query: dict[str, str]) -> aiohttp.ClientResponse:
        """A watch that the API server has begun: nothing from now on is missed."""
        return await self._http.get(resource.path(GAMES), params={"watch": "true", **query})

    async def _follow(
        self, stream: aiohttp.ClientResponse, take: Callable[[str, dict[str, Any]], None]
    ) -> None:
        async with stream:
            async for line in stream.content:
                event = json.loads(line)
                take(event["type"], event["object"])

    def _pod(self, timeline: Timeline, kind: str, pod: dict[str, Any]) -> None:
        self.pod = pod
        timeline.mark(POD_CREATED)
        if pod["spec"].get("nodeName"):
            timeline.mark(BOUND)
        if pod["status"].get("podIP"):
            timeline.mark(IP)
        conditions = pod["status"].get("conditions", [])
        if any(each["type"] == "Ready" and each["status"] == "True" for each in conditions):
            timeline.mark(POD_READY)
        if kind == "DELETED":
            timeline.mark(GONE)

    async def _probe(self, timeline: Timeline) -> None:
        """Ask the pod again and again, as soon as its IP is known.

        The pod is taken to answer since the request was sent that got the first answer: later
        would be to the gateway's favour.
        """
        await timeline.until(IP)
        url = f"http://{self.pod['status']['podIP']}:{AGENT_PORT}/healthz"
        while not timeline.has(HTTP):
            sent = time.monotonic()
            try:
                async with self._probes.get(url) as answer:
                    if answer.status == 200:
                        timeline.mark(HTTP, sent)
            except (aiohttp.ClientError, OSError):
                await asyncio.sleep(PROBE_PAUSE)


def _session(timeline: Timeline, kind: str, session: dict[str, Any]) -> None:
    timeline.mark(SESSION_CREATED)
    if session.get("status", {}).get("phase") == "Ready":
        timeline.mark(SESSION_READY)
