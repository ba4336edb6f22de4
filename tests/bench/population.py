"""Thousands of sessions that run, made at the speed of the API server."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Awaitable, Iterable
from datetime import UTC, datetime

from gamesession.api.instant import format_instant
from gamesession.api.labels import GAME_LABEL, SESSION_LABEL
from gamesession.api.names import session_name
from gamesession.controller.catalogue import Catalogue
from gamesession.kube.resources import GAMES, PODS, SESSIONS
from gamesession.plan.game import Game
from gamesession.plan.phase import ready
from gamesession.plan.pod import Pod
from gamesession.plan.session import Session
from tests.bench.bare import JSON, Bare, Object
from tests.bench.watcher import Watcher, has_condition_ready

AT_ONCE = 48
"""Sessions that are on their way at the same time. kwok writes the status of four pods at a time,
and with more of our writes under way each of its own would take longer."""


class Population:
    """Sessions of one Game, each Ready with a pod on a node of kwok's.

    They are what an operator would have made, by its own plans: but pods are assigned to a node at
    once, and the bench writes the status that tells of them. Only while no operator runs.

    Attributes:
        uids: name → uid of the sessions there are.
    """

    def __init__(self, bare: Bare, namespace: str, game: Object, nodes: Iterable[str]) -> None:
        self._bare = bare
        self._namespace = namespace
        self._game = Game.from_object(game)
        self._catalogue = Catalogue()
        self._nodes = itertools.cycle(nodes)
        self._numbers = itertools.count()
        self._at_once = asyncio.Semaphore(AT_ONCE)
        self._pods = Watcher(bare, PODS, namespace, has_condition_ready)
        self._used_at: dict[str, datetime] = {}
        self.uids: dict[str, str] = {}

    async def grow(self, size: int) -> None:
        """Make as many as are missing; all are in use just now."""
        async with self._pods.watching():
            await at_once(self._make() for _ in range(size - len(self.uids)))

    async def stamp(self, name: str, at: datetime) -> None:
        """Write activity as a gateway does, whoever runs."""
        operations = [
            {"op": "test", "path": "/metadata/uid", "value": self.uids[name]},
            {"op": "add", "path": "/status/lastActivity", "value": format_instant(at)},
        ]
        await self._bare.patch(self._path(name, "status"), operations, JSON)

    async def end_at(self, name: str, deadline: datetime) -> None:
        """Give a session an idle timeout of its own that ends it then, whoever runs. It must not
        have been in use since it was made."""
        milliseconds = round((deadline - self._used_at[name]).total_seconds() * 1000)
        patch = {"metadata": {"uid": self.uids[name]}, "spec": {"idleTimeout": f"{milliseconds}ms"}}
        async with self._at_once:
            await self._bare.patch(self._path(name), patch)

    async def delete(self, name: str) -> None:
        """Delete a session, whoever runs."""
        await self._bare.delete(self._path(name), self.uids.pop(name))

    async def create(self) -> Object:
        """A new session as gateways make it, without anything that an operator does."""
        user = f"user-{next(self._numbers)}"
        return await self._bare.create(SESSIONS, self._namespace, self._body(user))

    async def _make(self) -> None:
        async with self._at_once:
            await self._make_one()

    async def _make_one(self) -> None:
        session = Session.from_object(await self.create())
        pod = self._catalogue.pod_of(self._game, session, 1)
        pod |= {"spec": pod["spec"] | {"nodeName": next(self._nodes)}}
        await self._bare.create(PODS, self._namespace, pod)
        runs = Pod.from_object(await self._pods.until_ready(pod["metadata"]["name"]))
        now = datetime.now(UTC)
        status = ready(session, self._game, runs, now)
        await self._bare.patch(self._path(session.name, "status"), {"status": status})
        self._used_at[session.name] = now
        self.uids[session.name] = session.uid

    def _body(self, user: str) -> Object:
        name = session_name(self._game.name, user)
        owner = {
            "apiVersion": GAMES.api_version,
            "kind": GAMES.kind,
            "name": self._game.name,
            "uid": self._game.uid,
        }
        return {
            "apiVersion": SESSIONS.api_version,
            "kind": SESSIONS.kind,
            "metadata": {
                "name": name,
                "labels": {GAME_LABEL: self._game.name, SESSION_LABEL: name},
                "ownerReferences": [owner],
            },
            "spec": {"user": user, "game": self._game.name},
        }

    def _path(self, name: str, subresource: str = "") -> str:
        return SESSIONS.path(self._namespace, name, subresource)


async def at_once(tasks: Iterable[Awaitable[object]]) -> None:
    """Do all of it; the first error is raised when all are done."""
    for ended in await asyncio.gather(*tasks, return_exceptions=True):
        if isinstance(ended, BaseException):
            raise ended
