"""A namespace as a test sees it: what is there, what was there, and when that changed."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Self, TypeVar

from gamesession.api.instant import format_instant
from gamesession.api.labels import GAME_LABEL, ROLE_LABEL, SESSION_LABEL
from gamesession.api.names import session_name
from gamesession.kube.cluster import Cluster, Object
from gamesession.kube.resources import EVENTS, GAMES, PODS, SESSIONS, Resource
from tests.eventually import DEADLINE
from tests.integration.bodies import create, game, session
from tests.integration.condition import condition
from tests.integration.follower import Change, Follower

T = TypeVar("T")


class Playground:
    """A namespace, its Games, sessions and pods; followed by watches while it is entered."""

    def __init__(self, cluster: Cluster, namespace: str) -> None:
        self.cluster = cluster
        self.namespace = namespace
        self._changed = asyncio.Event()
        tell = self._changed.set
        self._followers = {
            "games": Follower(cluster, GAMES, namespace, tell),
            "gamesessions": Follower(cluster, SESSIONS, namespace, tell),
            "pods": Follower(cluster, PODS, namespace, tell, selector=ROLE_LABEL),
        }

    async def __aenter__(self) -> Self:
        for follower in self._followers.values():
            await follower.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        for follower in self._followers.values():
            await follower.stop()

    # Making -------------------------------------------------------------------------------------

    async def create_game(self, name: str, **spec: Any) -> Object:
        """Create a Game and wait until the operator has judged it.

        Args:
            spec: fields of its spec, by their names in the API.
        """
        made = await create(self.cluster, self.namespace, game(name, **spec))
        await self.until(lambda: condition(self.games[name], "Accepted"))
        return made

    async def change_game(self, name: str, **spec: Any) -> None:
        """Change fields of a Game's spec, each as a whole."""
        operations = [
            {"op": "add", "path": f"/spec/{field}", "value": value} for field, value in spec.items()
        ]
        await self.cluster.json_patch(GAMES, self.namespace, name, operations)

    async def create_session(
        self, user: str, game: str, *, name: str | None = None, **spec: Any
    ) -> str:
        """Create a session as gateway and SDK do, and return its name.

        Args:
            name: another name than the derived one.
        """
        owner = await self.cluster.get(GAMES, self.namespace, game)
        body = session(name or session_name(game, user), user=user, game=game, **spec)
        made = await create(self.cluster, self.namespace, owned(body, owner))
        return str(made["metadata"]["name"])

    async def apply_session(self, name: str, user: str, game: str, **spec: Any) -> None:
        """Create a session as `kubectl apply` does, without labels and owner reference."""
        body = session(name, user=user, game=game, **spec)
        await create(self.cluster, self.namespace, body)

    async def stamp(self, name: str, at: datetime | None = None) -> datetime:
        """Write a session's activity as a gateway does; returns the stamp."""
        at = at or datetime.now(UTC)
        uid = (await self.cluster.get(SESSIONS, self.namespace, name))["metadata"]["uid"]
        operations = [
            {"op": "test", "path": "/metadata/uid", "value": uid},
            {"op": "add", "path": "/status/lastActivity", "value": format_instant(at)},
        ]
        await self.cluster.json_patch(
            SESSIONS, self.namespace, name, operations, subresource="status"
        )
        return at

    async def delete(self, resource: Resource, name: str) -> None:
        """Delete an object, whichever life of it there is."""
        found = await self.cluster.get(resource, self.namespace, name)
        await self.cluster.delete(resource, self.namespace, name, uid=found["metadata"]["uid"])

    # Looking ------------------------------------------------------------------------------------

    @property
    def games(self) -> dict[str, Object]:
        """The Games there are, by name."""
        return self._followers["games"].objects

    @property
    def sessions(self) -> dict[str, Object]:
        """The sessions there are, by name."""
        return self._followers["gamesessions"].objects

    @property
    def pods(self) -> dict[str, Object]:
        """The pods of ours there are, by name."""
        return self._followers["pods"].objects

    @property
    def history(self) -> dict[str, list[Change]]:
        """What the watches told, by the plural of the kind."""
        return {plural: follower.history for plural, follower in self._followers.items()}

    def uid_of(self, name: str) -> str | None:
        """Which life of a session there is, if any."""
        return self.sessions[name]["metadata"]["uid"] if name in self.sessions else None

    def pods_of(self, name: str) -> list[Object]:
        """The pods of a session, those on their way out among them."""
        return [
            pod
            for pod in self.pods.values()
            if pod["metadata"]["labels"].get(SESSION_LABEL) == name
        ]

    def living_pods_of(self, name: str) -> list[Object]:
        """The pods of a session that nobody has deleted."""
        return [pod for pod in self.pods_of(name) if "deletionTimestamp" not in pod["metadata"]]

    def status(self, name: str) -> Object:
        """A session's status; empty if there is no such session."""
        found: Object = self.sessions.get(name, {}).get("status", {})
        return found

    def history_of(self, name: str) -> list[tuple[datetime, str, Object]]:
        """What became of a session: when a watch told it, how, and its status then."""
        return [
            (change.at, change.kind, change.object.get("status", {}))
            for change in self.history["gamesessions"]
            if change.object["metadata"]["name"] == name
        ]

    def made_pods(self, name: str) -> list[Object]:
        """Every pod that was ever made for a session."""
        return [
            change.object
            for change in self.history["pods"]
            if change.kind == "ADDED"
            and change.object["metadata"]["labels"].get(SESSION_LABEL) == name
        ]

    def made_in_game(self, game: str) -> list[Object]:
        """Every pod that was ever made for a Game, in order."""
        return [
            change.object
            for change in self.history["pods"]
            if change.kind == "ADDED"
            and change.object["metadata"]["labels"].get(GAME_LABEL) == game
        ]

    def made_at(self, resource: Resource, name: str) -> datetime:
        """When an object of that name was first seen.

        Raises:
            StopIteration: it never was.
        """
        return next(
            change.at
            for change in self.history[resource.plural]
            if change.object["metadata"]["name"] == name
        )

    def deleted_at(self, resource: Resource, name: str) -> datetime | None:
        """When an object of that name was last seen to go; `None` if it was not."""
        for change in reversed(self.history[resource.plural]):
            if change.object["metadata"]["name"] == name and change.kind == "DELETED":
                return change.at
        return None

    async def events_of(self, name: str, *reasons: str) -> list[Object]:
        """The Events about a session, in order; those with certain reasons if any are given."""
        found, _ = await self.cluster.list(EVENTS, self.namespace)
        about = [
            event
            for event in found
            if event["regarding"]["name"] == name and (not reasons or event["reason"] in reasons)
        ]
        return sorted(about, key=lambda event: str(event["eventTime"]))

    # Waiting ------------------------------------------------------------------------------------

    async def until(self, check: Callable[[], T | None], *, deadline: float = DEADLINE) -> T:
        """The first result of `check` that is neither `None` nor `False`, looked at whenever
        something changes.

        Raises:
            TimeoutError: the deadline passed.
        """
        async with asyncio.timeout(deadline):
            while True:
                self._changed.clear()
                with contextlib.suppress(KeyError):
                    found = check()
                    if found is not None and found is not False:
                        return found
                await self._changed.wait()
                for follower in self._followers.values():
                    follower.check()

    async def until_phase(self, name: str, phase: str, *, deadline: float = DEADLINE) -> Object:
        """A session's status once it is in a phase. What is known of pods is then no older."""
        try:
            status = await self.until(
                lambda: self.status(name) if self.status(name).get("phase") == phase else None,
                deadline=deadline,
            )
            await self.until(await self._followers["pods"].picture(), deadline=deadline)
            return status
        except TimeoutError as error:
            raise AssertionError(
                f"session {name} is not {phase} within {deadline:g} s: {self.status(name)}"
            ) from error

    async def until_gone(self, name: str, *, deadline: float = DEADLINE) -> datetime:
        """When a session went that is there, was, or is about to be."""
        return await self.until(
            lambda: None if name in self.sessions else self.deleted_at(SESSIONS, name),
            deadline=deadline,
        )

    async def until_told(self, name: str) -> Object:
        """A session's status once it says anything."""
        return await self.until(
            lambda: self.status(name) if "conditions" in self.status(name) else None
        )

    async def until_podless(self, name: str, *, deadline: float = DEADLINE) -> None:
        """Wait until a session's pods are gone."""
        await self.until(lambda: not self.pods_of(name), deadline=deadline)


def owned(body: Object, owner: Object) -> Object:
    """A session with labels and owner reference, as gateway and SDK make it.

    Args:
        owner: its Game.
    """
    name, game = body["metadata"]["name"], owner["metadata"]["name"]
    reference = {
        "apiVersion": GAMES.api_version,
        "kind": GAMES.kind,
        "name": game,
        "uid": owner["metadata"]["uid"],
    }
    labels = {GAME_LABEL: game, SESSION_LABEL: name}
    metadata = {"name": name, "labels": labels, "ownerReferences": [reference]}
    return body | {"metadata": metadata}
