"""Somebody who creates sessions and sees them become Ready."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

from gamesession.kube.resources import SESSIONS
from tests.bench.bare import Bare, Object
from tests.bench.users import Users
from tests.bench.watcher import Watcher

PATIENCE = 60.0


@dataclass(frozen=True)
class Start:
    """A session's start.

    Attributes:
        sent: when its creation was sent.
        shown: when a watch showed it as Ready.
        session: as it was then.
    """

    sent: datetime
    shown: datetime
    session: Object

    @property
    def seconds(self) -> float:
        """How long it took, for who watches."""
        return (self.shown - self.sent).total_seconds()

    @property
    def is_warm(self) -> bool:
        """Whether it got a pod that waited."""
        return bool(self.session["status"]["startKind"] == "Warm")


class Starter:
    """Starts sessions of users of one namespace."""

    def __init__(self, bare: Bare, users: Users) -> None:
        self._bare = bare
        self._users = users
        self._watcher = Watcher(bare, SESSIONS, users.namespace, _is_settled)

    @asynccontextmanager
    async def watching(self) -> AsyncIterator[None]:
        """To be entered before anything is started."""
        async with self._watcher.watching():
            yield

    async def start(self) -> Start:
        """A session of somebody new, Ready.

        Raises:
            OSError: it failed, or did not get Ready in time.
        """
        body = self._users.next_session()
        name = body["metadata"]["name"]
        sent = datetime.now(UTC)
        await self._bare.create(SESSIONS, self._users.namespace, body)
        try:
            async with asyncio.timeout(PATIENCE):
                session = await self._watcher.until_ready(name)
        except TimeoutError as error:
            raise TimeoutError(f"no watch showed {name} Ready within {PATIENCE:g} s") from error
        if session["status"]["phase"] == "Failed":
            raise OSError(f"a session failed: {session['status']['conditions']}")
        return Start(sent, self._watcher.ready_at[name], session)


def _is_settled(session: Object) -> bool:
    return session.get("status", {}).get("phase") in ("Ready", "Failed")
