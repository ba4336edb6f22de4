"""`gamesession top`: a live table of sessions, fed by watches."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Final

from rich.console import Console
from rich.live import Live

from gamesession.client.directory import Directory
from gamesession.commands.failure import Failure
from gamesession.commands.frame import Frame
from gamesession.commands.keyboard import leaving
from gamesession.commands.line import lines_of
from gamesession.commands.options import Place
from gamesession.commands.printing import write
from gamesession.commands.table import short
from gamesession.commands.view import View, looking
from gamesession.kube.resources import SESSIONS

FIRST_LIST_SECONDS: Final = 30.0
LEAST_SECONDS: Final = 0.25
"""Between two frames, however much happens."""
MOST_SECONDS: Final = 1.0
"""Between two frames, for countdowns count when nothing happens."""


async def show_top(place: Place, game: str | None, *, once: bool) -> None:
    """Show sessions until somebody leaves; once, if asked or if nobody is there to leave.

    Raises:
        Failure: there is no such Game, or the API server does not answer.
    """
    async with looking(place) as view:
        if game:
            await view.game(game)
        await view.cluster.peek(SESSIONS, view.namespace)
        async with watched(view) as directory:

            def frame() -> Frame:
                return frame_of(view, directory, game)

            if once or not (sys.stdout.isatty() and sys.stdin.isatty()):
                write(frame().text())
            else:
                await _live(directory, frame)


@asynccontextmanager
async def watched(view: View) -> AsyncIterator[Directory]:
    """All Games and sessions of the namespace, followed meanwhile."""
    directory = Directory(view.cluster, view.namespace)
    followed = (directory.games, directory.sessions)
    tasks = [asyncio.create_task(informer.run()) for informer in followed]
    try:
        async with asyncio.timeout(FIRST_LIST_SECONDS):
            for informer in followed:
                await informer.synced.wait()
    except TimeoutError as error:
        raise Failure(f"{view.context} does not list its sessions: see --debug") from error
    else:
        yield directory
    finally:
        for task in tasks:
            task.cancel()


def frame_of(view: View, directory: Directory, game: str | None) -> Frame:
    """What is known now."""
    sessions = [each for each in directory.sessions.values() if game in (None, each.game)]
    lines = lines_of(sessions, directory.games.values(), datetime.now(UTC))
    return Frame(f"{view.namespace} ({view.context})", lines, _trouble(view, directory))


def _trouble(view: View, directory: Directory) -> str:
    if not view.cluster.contact.lost:
        return ""
    age = timedelta(seconds=directory.sessions.age())
    return f"The API server does not answer: nothing has been heard of it for {short(age)}."


async def _live(directory: Directory, frame: Callable[[], Frame]) -> None:
    console, changed = Console(), asyncio.Event()
    for informer in (directory.games, directory.sessions):
        informer.subscribe(lambda old, new: changed.set())
    with leaving() as left, Live(console=console, screen=True, auto_refresh=False) as live:
        gone = asyncio.ensure_future(left.wait())
        while not left.is_set():
            changed.clear()
            live.update(frame().screen(console.width, console.height), refresh=True)
            await asyncio.wait({gone}, timeout=LEAST_SECONDS)
            change = asyncio.ensure_future(changed.wait())
            await asyncio.wait(
                {gone, change},
                timeout=MOST_SECONDS - LEAST_SECONDS,
                return_when=asyncio.FIRST_COMPLETED,
            )
            change.cancel()
