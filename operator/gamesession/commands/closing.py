"""`gamesession close`."""

from __future__ import annotations

from gamesession.client.ending import Ending
from gamesession.commands.failure import Failure
from gamesession.commands.options import Place
from gamesession.commands.printing import write
from gamesession.commands.view import COMPONENT, looking

NOTE = "Closed from the command line."


async def close_session(place: Place, game: str, user: str | None) -> None:
    """End a session: of a Game and user all there are, by its own name that one.

    Raises:
        Failure: there is none, or it is ending already.
        Unavailable: the API server does not answer.
    """
    async with looking(place) as view:
        directory, session = await view.find(game, user)
        ending = Ending(view.cluster, view.namespace, directory, COMPONENT)
        every = [session] if user is None else directory.all_of(game, user)
        closed = [
            each.name for each in every if not each.deleting and await ending.close(each, NOTE)
        ]
        if not closed:
            raise Failure(f"{session.name} is ending already")
        for name in closed:
            write(f"{name} closed\n")
