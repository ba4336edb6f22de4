"""`gamesession ls`."""

from __future__ import annotations

from datetime import UTC, datetime

from gamesession.client.selector import sessions_of
from gamesession.commands.line import by_name, lines_of, rows
from gamesession.commands.options import Output, Place
from gamesession.commands.printing import is_object, listed, say, write, write_object
from gamesession.commands.table import table
from gamesession.commands.view import View, looking
from gamesession.kube.resources import GAMES, SESSIONS
from gamesession.plan.game import Game
from gamesession.plan.session import Session


async def show_list(
    place: Place, game: str | None, user: str | None, output: Output, *, all_namespaces: bool
) -> None:
    """Print sessions.

    Raises:
        Failure: there is no such Game.
    """
    async with looking(place) as view:
        namespace = None if all_namespaces else view.namespace
        selector = sessions_of(game, user or "") if game else ""
        found, _ = await view.cluster.list(SESSIONS, namespace, field_selector=selector)
        if is_object(output):
            write_object(listed(found, SESSIONS), output)
        elif not found:
            await _nothing(view, game, user, namespace)
        else:
            games, _ = await view.cluster.list(GAMES, namespace)
            lines = lines_of(
                map(Session.from_object, found), map(Game.from_object, games), datetime.now(UTC)
            )
            wide = output is Output.WIDE
            write(table(rows(by_name(lines), wide=wide, namespaces=all_namespaces)))


async def _nothing(view: View, game: str | None, user: str | None, namespace: str | None) -> None:
    """Say that there is nothing, and how to make something."""
    if namespace is None:
        say("No sessions in any namespace.")
        return
    if game:
        await view.game(game)
    of = (f" of {game}" if game else "") + (f" for {user}" if user else "")
    start = view.hint("open", game or "GAME", user or "USER")
    say(f"No sessions{of} in namespace {namespace}. Start one: {start}")
