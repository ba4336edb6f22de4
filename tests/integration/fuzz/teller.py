"""Tells a tale to a real API server, and sees what must hold at its end."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from typing import Any, Final

from gamesession.api.labels import GAME_LABEL
from gamesession.kube.cluster import Object
from gamesession.kube.errors import ApiError, Conflict, Gone
from gamesession.kube.resources import GAMES, SESSIONS
from tests.eventually import eventually
from tests.integration.bodies import create, game, session
from tests.integration.condition import condition
from tests.integration.fuzz.specs import written
from tests.integration.fuzz.tale import Drop, End, Look, Open, Put, Retime, Scribble, Step
from tests.integration.playground import Playground

LOOK_SECONDS: Final = 3.0
REFUSALS: Final = (400, 404, 409, 413, 422, 500)
"""What the API server may answer to nonsense; 500 is its own word for what it cannot encode."""


class Teller:
    """Plays the steps of one tale, each on a Game of its own name.

    Args:
        outcomes: counts what came of it.

    Attributes:
        standing: the Put whose spec the Game has; `None` if there is no Game.
    """

    def __init__(self, ground: Playground, name: str, outcomes: Counter[str]) -> None:
        self._ground = ground
        self._cluster = ground.cluster
        self._namespace = ground.namespace
        self._outcomes = outcomes
        self.name = name
        self.standing: Put | None = None
        self._sessions: set[str] = set()

    async def tell(self, steps: list[Step]) -> None:
        """All steps, one after the other, without waiting for what they lead to.

        Raises:
            AssertionError: the API server did not take what is sound.
        """
        for step in steps:
            match step:
                case Put():
                    await self._put(step)
                case Open():
                    await self._open(step)
                case Scribble():
                    await self._change_sessions({"status": step.status}, "status")
                case Retime():
                    await self._change_sessions({"spec": {"idleTimeout": step.value}})
                case End():
                    await self._end()
                case Drop():
                    await self._drop()
                case Look():
                    await self._look()

    async def _put(self, put: Put) -> None:
        try:
            await self._write(written(put.spec))
        except ApiError as error:
            assert not put.sound, f"refused: {error}: {put.spec}"
            self._refused("Games", error)
        else:
            self.standing = put
            self._outcomes["Games taken"] += 1

    async def _write(self, spec: Object) -> None:
        if self.standing is not None:
            change = [{"op": "replace", "path": "/spec", "value": spec}]
            await self._cluster.json_patch(GAMES, self._namespace, self.name, change)
            return

        async def created() -> bool:
            """Once a Game of that name that is on its way out has gone."""
            try:
                body = game(self.name) | {"spec": spec}
                await create(self._cluster, self._namespace, body)
            except Conflict as error:
                raise AssertionError(str(error)) from error
            return True

        await eventually(created)

    async def _open(self, step: Open) -> None:
        spec = {"game": self.name, **step.spec}
        name = f"{self.name}-{step.name or len(self._sessions)}"
        if step.name.startswith("s" * 60):
            name = step.name
        body = session(name) | {"spec": spec}
        try:
            await create(self._cluster, self._namespace, body)
        except ApiError as error:
            self._refused("sessions", error)
        else:
            self._sessions.add(name)
            self._outcomes["sessions taken"] += 1

    async def _change_sessions(self, body: Object, subresource: str = "") -> None:
        for name in self._sessions:
            try:
                await self._cluster.merge_patch(
                    SESSIONS, self._namespace, name, body, subresource=subresource
                )
            except ApiError as error:
                self._refused("changes of sessions", error)
            else:
                self._outcomes["changes of sessions taken"] += 1

    def _refused(self, what: str, error: ApiError) -> None:
        assert error.status in REFUSALS, error
        self._outcomes[f"{what} refused ({error.status})"] += 1

    async def _end(self) -> None:
        for name in self._sessions:
            try:
                await self._ground.delete(SESSIONS, name)
            except (Gone, Conflict):
                continue  # ended by itself, or begins anew
        self._sessions.clear()

    async def _drop(self) -> None:
        if self.standing is not None:
            await self._ground.delete(GAMES, self.name)
            self.standing = None

    async def _look(self) -> None:
        def told() -> bool:
            return any("conditions" in self._ground.status(name) for name in self._sessions)

        with contextlib.suppress(TimeoutError):  # some say nothing any more
            await self._ground.until(told, deadline=LOOK_SECONDS)

    # The end ------------------------------------------------------------------------------------

    async def see(self) -> None:
        """What must hold now: the Game that stands is judged, and served if it is sound.

        Raises:
            AssertionError: it does not.
        """
        if self.standing is None:
            return
        verdict = await self._judged()
        self._outcomes[f"Games accepted: {verdict['status']} ({verdict['reason']})"] += 1
        if self.standing.sound:
            assert verdict["status"] == "True", f"{verdict}: {self.standing.spec}"
            await self._served()

    async def _judged(self) -> Object:
        """The condition Accepted of the Game as it is now."""

        def judged() -> Object | None:
            found = self._ground.games[self.name]
            verdict = condition(found, "Accepted")
            current = found["metadata"]["generation"]
            return verdict if verdict and verdict.get("observedGeneration") == current else None

        try:
            # A status written a moment ago may still wait for its turn; the object came before.
            await self._cluster.get(GAMES, self._namespace, self.name)
            return await self._ground.until(judged)
        except TimeoutError as error:
            raise AssertionError(f"not judged: {self._ground.games.get(self.name)}") from error

    async def _served(self) -> None:
        """A new user gets a pod."""
        assert self.standing is not None
        await self._end()  # room within maxSessions
        name = await self._ground.create_session("a new user", self.name)
        self._sessions.add(name)
        await self._ground.until(lambda: self._was_ready(name))
        self._outcomes["Games that served"] += 1

    def _was_ready(self, name: str) -> bool:
        return any(
            change.object.get("status", {}).get("phase") == "Ready"
            for change in reversed(self._ground.history["gamesessions"])
            if change.object["metadata"]["name"] == name
        )

    async def clean(self) -> None:
        """The Game goes, and all that was its."""
        await self._drop()
        await self._end()
        await self._ground.until(lambda: not self._left())

    def _left(self) -> list[Any]:
        ground = self._ground
        pods = [pod for pod in ground.pods.values() if self._owns(pod)]
        return [*pods, *([self.name] if self.name in ground.games else [])]

    def _owns(self, pod: Object) -> bool:
        return bool(pod["metadata"]["labels"].get(GAME_LABEL) == self.name)


async def tell_all(
    ground: Playground, tales: dict[str, list[Step]], outcomes: Counter[str]
) -> None:
    """Several at once, by the names of their Games; then see that all is well, and clean up.

    Args:
        outcomes: counts what came of it.
    """
    tellers = [Teller(ground, name, outcomes) for name in tales]
    try:
        await asyncio.gather(*(each.tell(tales[each.name]) for each in tellers))
        await asyncio.gather(*(each.see() for each in tellers))
    finally:
        await asyncio.gather(*(each.clean() for each in tellers))
