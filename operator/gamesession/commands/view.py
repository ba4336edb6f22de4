"""A namespace as the commands see it: read from the API server when it is asked about."""

from __future__ import annotations

import re
import shlex
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from gamesession.client.directory import Directory
from gamesession.client.selector import sessions_of
from gamesession.commands.failure import USAGE, Failure, NotFound
from gamesession.commands.options import Place, program
from gamesession.kube import connection
from gamesession.kube.cluster import Cluster, Object
from gamesession.kube.context import Context, current
from gamesession.kube.errors import Gone, Unreachable
from gamesession.kube.resources import GAMES, SESSIONS
from gamesession.plan.game import Game
from gamesession.plan.session import Session

NAMESPACE: Final = "[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?"
COMPONENT: Final = "cli"
"""Who we are in Events and to the API server."""


class View:
    """One namespace.

    Attributes:
        cluster: the API server.
        context: what of the kubeconfig leads there.
        namespace: the one that was asked for, else the context's.
    """

    def __init__(self, cluster: Cluster, context: Context, place: Place) -> None:
        self.cluster = cluster
        self.context = context
        self.namespace = place.namespace or context.namespace
        self._place = place

    def hint(self, *words: str) -> str:
        """A command that can be typed next, about the same place."""
        options = {
            "-n": self._place.namespace,
            "--context": self._place.context,
            "--kubeconfig": self._place.kubeconfig,
        }
        given = [str(part) for option in options.items() if option[1] for part in option]
        command, *names = words
        if any(name.startswith("-") for name in names):  # else they would be options
            return f"{program()} {shlex.join([command, *given, '--', *names])}"
        return f"{program()} {shlex.join([command, *names, *given])}"

    async def games(self) -> list[Game]:
        """The Games of the namespace, by name."""
        found, _ = await self.cluster.list(GAMES, self.namespace)
        return sorted(map(Game.from_object, found), key=lambda game: game.name)

    async def game(self, name: str) -> Object:
        """A Game as the API server has it.

        Raises:
            NotFound: there is none of that name; it says which there are.
        """
        try:
            return await self.cluster.get(GAMES, self.namespace, name)
        except Gone as error:
            raise NotFound(f"no game {name} {await self.there_are()}") from error

    async def there_are(self) -> str:
        """Where we looked, which Games there are instead, and what to do next."""
        names = ", ".join(game.name for game in await self.games())
        where = f"in namespace {self.namespace}"
        if not names:
            return f"{where}; there are none. Is it the right one? See: kubectl get games -A"
        return f"{where}; there are: {names}. See: kubectl get games -n {self.namespace}"

    async def directory(self, game: str, user: str) -> Directory:
        """What is known of one user's sessions of one Game, as it is now."""
        directory = Directory(self.cluster, self.namespace, player=(game, user))
        await self.fill(directory, game, user)
        return directory

    async def fill(self, directory: Directory, game: str, user: str = "") -> None:
        """Tell a directory of the sessions of a Game, or of one user's, as they are now."""
        found, _ = await self.cluster.list(
            SESSIONS, self.namespace, field_selector=sessions_of(game, user)
        )
        for each in found:
            directory.sessions.offer(each)

    async def named(self, name: str) -> Session:
        """The session of a name of its own.

        Raises:
            NotFound: there is none.
        """
        try:
            return Session.from_object(await self.cluster.get(SESSIONS, self.namespace, name))
        except Gone as error:
            if any(game.name == name for game in await self.games()):
                hint = f"{name} is a game: whose session? Add the USER"
                raise Failure(hint, USAGE) from error
            raise NotFound(
                f"no session named {name} in namespace {self.namespace}. See: {self.hint('ls')}"
            ) from error

    async def find(self, game: str, user: str | None) -> tuple[Directory, Session]:
        """A session by Game and user, or by its own name alone; and what is known beside it.

        It may be one that is being deleted.

        Raises:
            NotFound: there is none.
        """
        if user is None:
            session = await self.named(game)
            return await self.directory(session.game, session.user), session
        directory = await self.directory(game, user)
        found = directory.find(game, user) or next(iter(directory.all_of(game, user)), None)
        if found is not None:
            return directory, found
        await self.game(game)
        raise NotFound(
            f"{user} has no session of {game} in namespace {self.namespace}. "
            f"Start one: {self.hint('open', game, user)}"
        )


def reason(error: Unreachable) -> str:
    """Why there was no answer, in the words of whoever noticed."""
    return str(error.__cause__ or error) or "no answer in time"


@asynccontextmanager
async def looking(place: Place) -> AsyncIterator[View]:
    """Look at a namespace.

    Raises:
        NoCluster: nothing leads to an API server.
        Failure: no namespace can be called so, or the API server has no Games, or does not answer.
    """
    if place.namespace and not re.fullmatch(NAMESPACE, place.namespace):
        named = f"--namespace (GAMESESSION_NAMESPACE) is {place.namespace!r}"
        raise Failure(f"{named}: name one namespace, or see -A", USAGE)
    context = current(place.kubeconfig, place.context)
    configuration = await connection.load(place.kubeconfig, place.context)
    async with Cluster(configuration, COMPONENT) as cluster:
        try:
            if not await cluster.serves(SESSIONS):
                raise Failure(
                    f"{context} knows no GameSessions: their definitions are not installed "
                    f"(that is done by: {program()} crds | kubectl apply -f -)"
                )
        except Unreachable as error:
            raise Failure(
                f"{context} does not answer at {configuration.host}: {reason(error)}"
            ) from error
        yield View(cluster, context, place)
