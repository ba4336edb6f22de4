"""`gamesession wait`, and the waiting of `gamesession open --wait`."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from datetime import timedelta

from gamesession.api.duration import format_duration
from gamesession.client.activity import Activity
from gamesession.client.directory import Directory
from gamesession.commands.failure import TIMED_OUT, Failure, NotFound
from gamesession.commands.options import Goal, Place
from gamesession.commands.printing import say, write
from gamesession.commands.table import printable
from gamesession.commands.view import View, looking
from gamesession.plan.session import FAILED, PENDING, READY, Session


async def wait_for(
    place: Place, game: str, user: str | None, goal: Goal, timeout: timedelta
) -> None:
    """Wait until a session is Ready, or gone.

    Raises:
        Failure: there is none, it failed, or time ran out.
    """
    async with looking(place) as view:
        try:
            directory, session = await view.find(game, user)
        except NotFound:
            if goal is not Goal.GONE:
                raise
            write("gone already\n")
            return
        async with followed(directory):
            if goal is Goal.GONE:
                await until_gone(view, directory, session, timeout)
                write(f"{session.name} is gone\n")
            else:
                ready = await until_ready(view, directory, session, timeout)
                write(f"{ready.name} is Ready\n")


@asynccontextmanager
async def followed(directory: Directory) -> AsyncIterator[None]:
    """Follow the directory's sessions meanwhile."""
    task = asyncio.create_task(directory.sessions.run())
    try:
        yield
    finally:
        task.cancel()


async def until_ready(
    view: View, directory: Directory, session: Session, timeout: timedelta
) -> Session:
    """The session once it is Ready. Each change on the way there is told on standard error, and as
    long as somebody waits, it is not abandoned.

    Raises:
        Failure: it failed, ended, or time ran out.
    """
    activity = Activity(view.cluster, view.namespace, directory)
    use = activity.begin(session)
    last = session
    try:
        async with asyncio.timeout(timeout.total_seconds()):
            last = await _ready(directory, session)
    except TimeoutError as error:
        raise _late(directory.sessions.get(session.name) or session, timeout, view) from error
    finally:
        activity.end(use)
    return last


async def _ready(directory: Directory, session: Session) -> Session:
    began, told = time.monotonic(), ""
    async with aclosing(lives(directory, session)) as lines:  # type: ignore[type-var]
        async for found in lines:
            news = f"{found.phase or PENDING:<8}  {_why(found)}".rstrip()
            if news != told:
                say(f"{time.monotonic() - began:6.1f}s  {news}")
                told = news
            if found.phase == READY:
                return found
            if found.phase == FAILED:
                raise Failure(f"{found.name} has failed: {_why(found)}")
    raise Failure(f"{session.name} has ended. See: kubectl get events -n {session.namespace}")


async def until_gone(
    view: View, directory: Directory, session: Session, timeout: timedelta
) -> None:
    """Wait for the end of this life of a session.

    Raises:
        Failure: time ran out.
    """
    try:
        async with asyncio.timeout(timeout.total_seconds()):
            async for _ in lives(directory, session):
                pass
    except TimeoutError as error:
        raise Failure(
            f"{session.name} is still there after {format_duration(timeout)}. "
            f"End it: {view.hint('close', session.name)}",
            TIMED_OUT,
        ) from error


async def lives(directory: Directory, session: Session) -> AsyncIterator[Session]:
    """The session as it is, and at each change, until this life of it is over."""
    last: Session | None = None
    while True:
        found = directory.sessions.get(session.name)
        if found is None or found.uid != session.uid:
            return
        if found is last:
            await directory.changed(session.game, session.user)
        else:
            last = found
            yield found


def _late(session: Session, timeout: timedelta, view: View) -> Failure:
    away = " The API server does not answer." if view.cluster.contact.lost else ""
    why = _why(session) or "nothing is known of why; does the operator run?"
    return Failure(
        f"{session.name} is {session.phase or PENDING} after {format_duration(timeout)}: {why}"
        f"{away} Look closer: {view.hint('status', session.name)}",
        TIMED_OUT,
    )


def _why(session: Session) -> str:
    """The condition's reason and message."""
    told = (session.condition.get("reason"), session.condition.get("message"))
    return printable(": ".join(str(part) for part in told if part))
