"""What the shell completes that only the cluster knows. What fails offers nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, Final

from gamesession.client.selector import sessions_of
from gamesession.commands.options import Place
from gamesession.commands.view import View, looking
from gamesession.kube.resources import GAMES, SESSIONS

PATIENCE: Final = 3.0
"""Seconds that somebody who has pressed the tabulator waits."""


def games(place: Place, begin: str) -> list[str]:
    """Names of Games."""

    async def found(view: View) -> list[str]:
        items, _ = await view.cluster.list(GAMES, view.namespace, metadata_only=True)
        return [item["metadata"]["name"] for item in items]

    return _offered(_asked(place, found), begin)


def users(place: Place, game: str, begin: str) -> list[str]:
    """Users who have a session of a Game."""

    async def found(view: View) -> list[str]:
        selector = sessions_of(game)
        items, _ = await view.cluster.list(SESSIONS, view.namespace, field_selector=selector)
        return [item["spec"]["user"] for item in items]

    return _offered(_asked(place, found), begin)


async def _asked(place: Place, found: Any) -> list[str]:
    async with asyncio.timeout(PATIENCE), looking(place) as view:
        names: list[str] = await found(view)
        return names


def _offered(work: Coroutine[Any, Any, list[str]], begin: str) -> list[str]:
    try:
        return sorted(name for name in asyncio.run(work) if name.startswith(begin))
    except Exception:
        return []
