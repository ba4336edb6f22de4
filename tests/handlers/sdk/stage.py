"""A back end's stage: a fake API server, someone who plays the operator, and objects to store."""

from __future__ import annotations

import asyncio
import copy
import itertools
import threading
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Self, TypeVar

import yaml
from aiohttp import web

from gamesession import AsyncGameSessionManager, GameSessionManager
from gamesession.api.instant import format_instant
from gamesession.api.names import session_name
from gamesession.kube.cluster import Object
from tests.eventually import eventually
from tests.handlers.gateway.apiserver import ApiServer
from tests.handlers.gateway.pods import PORT, pod_object

T = TypeVar("T")

_addresses = itertools.count(1)


class Stage:
    """An API server with the Game `chess`, whose sessions are Ready at once.

    Attributes:
        starts: whether the operator gives pods to new sessions.
        kubeconfig: the way to the API server.
    """

    def __init__(self, directory: Path) -> None:
        self.api = ApiServer()
        self.api.on_change = self._changed
        self.starts = True
        self.kubeconfig = directory / "kubeconfig"
        self._managers: list[GameSessionManager | AsyncGameSessionManager] = []

    async def __aenter__(self) -> Self:
        await self.api.come()
        write_kubeconfig(self.kubeconfig, self.api.configuration.host)
        self.add_game()
        return self

    async def __aexit__(self, *_: object) -> None:
        for manager in self._managers:
            if isinstance(manager, AsyncGameSessionManager):
                await manager.close()
            else:
                await asyncio.to_thread(manager.close)
        await self.api.go_away()

    def asynchronous(self, **of: Any) -> AsyncGameSessionManager:
        """A manager on this loop; closed in the end."""
        made = AsyncGameSessionManager(namespace="play", kubeconfig=self.kubeconfig, **of)
        self._managers.append(made)
        return made

    def blocking(self, **of: Any) -> GameSessionManager:
        """A manager for `ask`; closed in the end."""
        made = GameSessionManager(namespace="play", kubeconfig=self.kubeconfig, **of)
        self._managers.append(made)
        return made

    # The operator -------------------------------------------------------------------------------

    def add_game(self, name: str = "chess", **spec: Any) -> Object:
        """A Game."""
        whole = {
            "services": [{"name": "main", "port": PORT}],
            "template": {"spec": {"containers": [{"name": "game", "image": "game"}]}},
            **spec,
        }
        return self.api.put("games", {"metadata": {"name": name}, "spec": whole})

    def session(self, user: str = "alice", game: str = "chess") -> Object:
        """The session of a user, as the API server has it."""
        return copy.deepcopy(self.api.objects["gamesessions"][session_name(game, user)])

    def end(self, user: str = "alice", game: str = "chess") -> None:
        """End a session, as anyone may."""
        self.api.remove("gamesessions", session_name(game, user))

    def start(self, name: str) -> None:
        """Give a session a pod, and say that it is Ready."""
        number = next(_addresses)
        pod = self.api.put(
            "pods", pod_object(f"{name}-{number}", f"127.9.{number // 256}.{number % 256}")
        )
        now, ip = format_instant(datetime.now(UTC)), pod["status"]["podIP"]
        game = self.api.objects["gamesessions"][name]["spec"]["game"]
        services = self.api.objects["games"][game]["spec"]["services"]

        def ready(session: Object) -> None:
            session["status"] = {
                "phase": "Ready",
                "podName": pod["metadata"]["name"],
                "podUID": pod["metadata"]["uid"],
                "podIP": ip,
                "services": {each["name"]: f"{ip}:{each['port']}" for each in services},
                "startKind": "Cold",
                "startedAt": now,
                "readyAt": now,
                "lastActivity": now,
            }

        self.api.change("gamesessions", name, ready)

    def fail(self, user: str = "alice", game: str = "chess", *, ago: float = 0) -> None:
        """Say that a session failed, so many seconds ago."""
        at = format_instant(datetime.now(UTC) - timedelta(seconds=ago))

        def failed(session: Object) -> None:
            session["status"] = {
                "phase": "Failed",
                "failedAt": at,
                "conditions": [
                    {"type": "Ready", "status": "False", "reason": "NoImage", "message": "No image"}
                ],
            }

        self.api.change("gamesessions", session_name(game, user), failed)

    def _changed(self, plural: str, found: Object | None) -> None:
        if plural == "gamesessions" and found and "status" not in found and self.starts:
            name = found["metadata"]["name"]
            asyncio.get_running_loop().call_soon(self.start, name)


class Thing:
    """An object as a back end stores it; it counts what ends it, and where that was."""

    def __init__(self) -> None:
        self.ends: list[threading.Thread] = []

    def cleanup(self) -> None:
        """Take note."""
        self.ends.append(threading.current_thread())

    async def until_ended(self) -> None:
        """Wait for the end."""

        async def ended() -> bool:
            return bool(self.ends)

        await eventually(ended)


def write_kubeconfig(path: Path, server: str) -> None:
    """The way to an API server that asks for no credentials."""
    path.write_text(
        yaml.safe_dump(
            {
                "apiVersion": "v1",
                "kind": "Config",
                "clusters": [{"name": "c", "cluster": {"server": server}}],
                "users": [{"name": "u", "user": {"token": "t"}}],
                "contexts": [{"name": "x", "context": {"cluster": "c", "user": "u"}}],
                "current-context": "x",
            }
        )
    )


def refuse(
    method: str, status: int, part: str = "/gamesessions"
) -> Callable[[web.Request], Awaitable[web.StreamResponse | None]]:
    """A fault: requests of one method for something are answered with a status."""

    async def fault(request: web.Request) -> web.StreamResponse | None:
        if request.method != method or part not in request.path:
            return None
        body = {"kind": "Status", "code": status, "reason": "Fault", "message": "as told"}
        return web.json_response(body, status=status)

    return fault
