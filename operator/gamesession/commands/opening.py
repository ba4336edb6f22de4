"""`gamesession open`."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from pydantic import TypeAdapter, ValidationError

from gamesession.api.session import User
from gamesession.client.activity import Activity
from gamesession.client.call import CALL_SECONDS
from gamesession.client.directory import Directory
from gamesession.client.sessions import Sessions
from gamesession.commands.failure import USAGE, Failure
from gamesession.commands.line import Line, rows
from gamesession.commands.options import Output, Place
from gamesession.commands.printing import is_object, say, write, write_object
from gamesession.commands.table import table
from gamesession.commands.view import COMPONENT, View, looking
from gamesession.commands.waiting import followed, until_ready
from gamesession.kube.resources import SESSIONS
from gamesession.plan.game import Game
from gamesession.plan.session import READY, Session


async def open_session(
    place: Place, game: str, user: str, output: Output, timeout: timedelta | None
) -> None:
    """Make sure of a session and print it.

    Args:
        timeout: how long to wait until it is Ready; `None` to wait not at all.

    Raises:
        Failure: there is no such Game, no user can be called so, the session failed, or time ran
            out.
        GameSessionError: no session can be had.
    """
    check_user(user)
    async with looking(place) as view:
        whole = await view.game(game)
        played = Game.from_object(whole)
        # The whole Game's: a limit of it may be reached.
        directory = Directory(view.cluster, view.namespace, player=(game, ""))
        sessions = Sessions(view.cluster, view.namespace, directory, component=COMPONENT)
        directory.games.offer(whole)
        await view.fill(directory, game)
        async with followed(directory):
            session = await _ensured(view, sessions, directory, played, user)
            if timeout is not None:
                session = await until_ready(view, directory, session, timeout)
        await _print(view, session, played, output)


async def _ensured(
    view: View, sessions: Sessions, directory: Directory, game: Game, user: str
) -> Session:
    """The session, and a word on whether it is new."""
    known = directory.find(game.name, user)
    session = await sessions.ensure(game, user)
    if known is None or known.uid != session.uid:
        say(f"{session.name} created")
        return session
    say(f"{session.name} is there already")
    # Who opens a session uses it: it does not end a moment later. It may have, in this one.
    activity = Activity(view.cluster, view.namespace, directory)
    activity.touch(session)
    await activity.flush(CALL_SECONDS)
    return directory.find(game.name, user) or await sessions.ensure(game, user)


def check_user(user: str) -> None:
    """
    Raises:
        Failure: no user can be called so.
    """
    try:
        TypeAdapter(User).validate_python(user)
    except ValidationError as error:
        message = "USER must have 1 to 253 characters, none of them a control character"
        raise Failure(message, USAGE) from error


async def _print(view: View, session: Session, game: Game, output: Output) -> None:
    if is_object(output):
        write_object(await view.cluster.get(SESSIONS, view.namespace, session.name), output)
        return
    line = Line(session, game, datetime.now(UTC))
    write(table(rows([line], wide=output is Output.WIDE, namespaces=False)))
    if session.phase != READY:
        say(f"Wait for it: {view.hint('wait', session.game, session.user)}")
