"""Somebody at a terminal, before a fake API server."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Self

from aiohttp import web

from gamesession.api.instant import format_instant
from gamesession.api.names import session_name
from gamesession.commands.options import Place
from gamesession.controller.finalizer import FINALIZER
from gamesession.kube.cluster import Object
from tests.eventually import eventually
from tests.handlers.gateway.apiserver import ApiServer
from tests.handlers.gateway.stage import game_object


class Desk:
    """An API server with namespace `play`, and the kubeconfig that leads there.

    Attributes:
        place: where commands look.
        watches: how many watches were begun.
    """

    def __init__(self, directory: Path) -> None:
        self.api = ApiServer()
        self._kubeconfig = directory / "kubeconfig"
        self.place = Place(kubeconfig=self._kubeconfig)
        self.watches = 0
        self.api.faults.append(self._note_watch)

    async def __aenter__(self) -> Self:
        await self.api.come()
        self._kubeconfig.write_text(
            json.dumps(
                {
                    "current-context": "test",
                    "clusters": [
                        {"name": "test", "cluster": {"server": self.api.configuration.host}}
                    ],
                    "users": [{"name": "test", "user": {}}],
                    "contexts": [
                        {
                            "name": "test",
                            "context": {"cluster": "test", "user": "test", "namespace": "play"},
                        }
                    ],
                }
            )
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.api.go_away()

    def add_game(self, name: str = "chess", *, held: bool = False, **spec: Any) -> Object:
        """A Game.

        Args:
            held: whether the operator has its finalizer on it.
        """
        found = game_object(name, **spec)
        if held:
            found["metadata"]["finalizers"] = [FINALIZER]
        return self.api.put("games", found)

    def add_session(
        self,
        user: str = "alice",
        game: str = "chess",
        *,
        name: str = "",
        age: float = 0.0,
        finalizers: tuple[str, ...] = (),
        **status: Any,
    ) -> str:
        """A session, in whatever state; returns its name.

        Args:
            age: seconds since it was created.
            status: fields of its status; none for no status at all.
        """
        created = datetime.now(UTC) - timedelta(seconds=age)
        metadata: Object = {
            "name": name or session_name(game, user),
            "creationTimestamp": created.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "finalizers": list(finalizers),
        }
        body: Object = {"metadata": metadata, "spec": {"user": user, "game": game}}
        if status:
            body["status"] = status
        return str(self.api.put("gamesessions", body)["metadata"]["name"])

    def add_pod(self, name: str, *, finalizers: tuple[str, ...] = ()) -> Object:
        """A pod of ours."""
        labels = {"gamelibrary.io/role": "session"}
        metadata = {"name": name, "labels": labels, "finalizers": list(finalizers)}
        return self.api.put("pods", {"metadata": metadata, "spec": {}})

    def set_status(self, name: str, **status: Any) -> None:
        """Change fields of a session's status."""

        def change(session: Object) -> None:
            session["status"] = session.get("status", {}) | status

        self.api.change("gamesessions", name, change)

    async def watched(self) -> None:
        """Wait until somebody watches."""

        async def watching() -> bool:
            return self.watches > 0

        await eventually(watching)

    async def _note_watch(self, request: web.Request) -> web.StreamResponse | None:
        self.watches += "watch" in request.query
        return None

    def session(self, name: str) -> Object | None:
        """A session as it stands."""
        return self.api.objects["gamesessions"].get(name)

    def events(self) -> list[tuple[str, str]]:
        """Reason and note of each Event there is."""
        found = self.api.objects["events"].values()
        return [(event["reason"], event["note"]) for event in found]


def ready(ago: float = 0.0) -> dict[str, Any]:
    """The status of a session that became Ready so many seconds ago, and was not used since."""
    then = format_instant(datetime.now(UTC) - timedelta(seconds=ago))
    return {
        "phase": "Ready",
        "startKind": "Cold",
        "podName": "pod-1",
        "podUID": "uid-1",
        "startedAt": then,
        "readyAt": then,
        "lastActivity": then,
    }


def condition(reason: str, message: str) -> list[Object]:
    """Conditions that say why a session is not Ready."""
    return [{"type": "Ready", "status": "False", "reason": reason, "message": message}]
