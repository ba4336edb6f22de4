"""The store compared with the API server: what a watch did not tell, and whether it is deaf.

kopf never retries a failed event handler and after a relist does not report what vanished
meanwhile; so every 30 s, after contact comes back, and whenever a write meets a 404 or 409, the
names, uids and versions of all objects are listed (metadata only) and compared.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import structlog

from gamesession.api.labels import ROLE_LABEL
from gamesession.controller.finalizer import FINALIZER
from gamesession.controller.hearing import DEAF_SECONDS, Hearing, Listed
from gamesession.controller.shelf import Item, Key, Shelf, key_of
from gamesession.controller.store import Store
from gamesession.kube.cluster import Cluster, Object
from gamesession.kube.contact import Contact
from gamesession.kube.errors import ApiError, Gone, Unreachable
from gamesession.kube.resources import GAMES, PODS, SESSIONS, Resource

log = structlog.get_logger(__name__)

INTERVAL: Final = 30.0
SHORTEST_INTERVAL: Final = 2.0
RETRY: Final = 5.0
LIST_PAUSE: Final = 1.0
"""A watch that has told of nothing for so long has come to the end of its list."""
READ_AT_ONCE: Final = 100
READ_SECONDS: Final = 10.0
"""So long a comparison reads what a watch missed, of one kind in one namespace: the rest is for the
next one, for other kinds would seem deaf meanwhile."""


@dataclass
class Kind:
    """A kind of object, its place in the store, and how far its watches have come.

    Attributes:
        kopf_writes: whether kopf puts its finalizer on these.
    """

    resource: Resource
    shelf: Shelf  # type: ignore[type-arg]
    see: Callable[[Object], None]
    lose: Callable[[Key, str], None]
    hearing: Hearing
    selector: str = ""
    kopf_writes: bool = False


class Comparison:
    """Compares the store with the API server.

    Args:
        namespaces: those that are watched.
        clock: seconds that only move forward, to tell for how long a watch has been deaf.

    Attributes:
        refused: in what words the API server kept us from the last comparison, if it did.
        contact: since when it no longer does.
    """

    def __init__(
        self,
        cluster: Cluster,
        store: Store,
        namespaces: list[str],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._cluster = cluster
        self._namespaces = namespaces
        self._wanted = asyncio.Event()
        self._quiet_at = 0.0
        self.refused = ""
        self.contact = Contact(clock)

        def see_session(session: Object) -> None:
            store.see_session(session, found=True)

        games, sessions, pods = (
            Hearing(each.plural, namespaces, clock) for each in (GAMES, SESSIONS, PODS)
        )
        self.kinds = {
            "games": Kind(
                GAMES, store.games, store.see_game, store.lose_game, games, kopf_writes=True
            ),
            "gamesessions": Kind(
                SESSIONS, store.sessions, see_session, store.lose_session, sessions
            ),
            "pods": Kind(PODS, store.pods, store.see_pod, store.lose_pod, pods, ROLE_LABEL),
        }

    def ask(self) -> None:
        """Compare soon."""
        self._wanted.set()

    def ask_after_list(self) -> None:
        """A watch tells of an object that it lists: compare once it has told of all."""
        self._quiet_at = time.monotonic() + LIST_PAUSE
        self.ask()

    def hear(self, plural: str, meta: Object) -> None:
        """The watch of a kind told of an object, of which this is the metadata."""
        self.kinds[plural].hearing.hear(meta["namespace"], int(meta["resourceVersion"]))

    async def load(self) -> None:
        """Fill the store with all that is there.

        Raises:
            ApiError, Unreachable: the API server did not let us.
        """
        for kind in self.kinds.values():
            for namespace in self._namespaces:
                pages = self._cluster.pages(kind.resource, namespace, label_selector=kind.selector)
                async for page, _ in pages:
                    for item in page:
                        kind.see(item)
                kind.hearing.begin(namespace)
        self.contact.succeeded()

    async def run(self) -> None:
        """Compare until cancelled.

        Raises:
            DeafWatch: a watch tells nothing any more.
        """
        wait = INTERVAL
        while True:
            latest = time.monotonic() + wait
            await self._due(wait)
            while (pause := min(self._quiet_at, latest) - time.monotonic()) > 0:  # noqa: ASYNC110
                await asyncio.sleep(pause)
            self._wanted.clear()
            wait = INTERVAL if await self.compare() else RETRY
            await asyncio.sleep(SHORTEST_INTERVAL)

    async def _due(self, wait: float) -> None:
        """Return when asked to, or when the time has come: sooner where a watch has not told for
        `DEAF_SECONDS` what was listed."""
        if await self._asked(min(wait, DEAF_SECONDS)) or wait <= DEAF_SECONDS:
            return
        if not any(kind.hearing.is_behind() for kind in self.kinds.values()):
            await self._asked(wait - DEAF_SECONDS)

    async def _asked(self, patience: float) -> bool:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(patience):
                return await self._wanted.wait()
        return False

    async def compare(self) -> bool:
        """Compare all kinds once; `False` if the API server did not let us.

        Raises:
            DeafWatch: a watch tells nothing any more.
        """
        try:
            for kind in self.kinds.values():
                await self._compare(kind)
        except (ApiError, Unreachable) as error:
            self.refused = str(error)
            self.contact.failed()
            log.warning("comparison did not succeed", error=self.refused)
            return False
        self.refused = ""
        self.contact.succeeded()
        return True

    async def _compare(self, kind: Kind) -> None:
        for namespace in self._namespaces:
            begun, told = time.monotonic(), kind.hearing.told(namespace)
            listed, version = await self._list(kind, namespace)
            silent = [
                item for item in kind.shelf.unheard_since(begun) if item.namespace == namespace
            ]
            known = max([told, *(int(item.resource_version) for item in silent)])
            if version < known:  # what it lacks may be there, and what it has may be gone
                log.warning("list is stale", kind=kind.resource.kind, version=version, known=known)
                continue
            self._lose_missing(kind, listed, silent)
            await self._read_missed(kind, listed)
            kind.hearing.compare(namespace, listed, self._cluster.contact.seconds())

    async def _list(self, kind: Kind, namespace: str) -> tuple[dict[Key, Listed], int]:
        """What there is, and the version of that picture."""
        found: dict[Key, Listed] = {}
        version = ""
        pages = self._cluster.pages(
            kind.resource, namespace, label_selector=kind.selector, metadata_only=True
        )
        async for page, version in pages:  # noqa: B007 (the same for all)
            for item in page:
                meta = item["metadata"]
                waits = kind.kopf_writes and _awaits_kopf(meta)
                listed = Listed(meta["uid"], int(meta["resourceVersion"]), waits)
                found[meta["namespace"], meta["name"]] = listed
        return found, int(version)

    def _lose_missing(self, kind: Kind, listed: dict[Key, Listed], silent: list[Item]) -> None:
        """Handle as deleted what is not there any more.

        Args:
            silent: those of which nothing was heard since we asked.
        """
        for item in silent:
            there = listed.get(key_of(item))
            if there is None or there.uid != item.uid:
                log.info("missed a deletion", kind=kind.resource.kind, name=item.name)
                kind.lose(key_of(item), item.uid)

    async def _read_missed(self, kind: Kind, listed: dict[Key, Listed]) -> None:
        missed = [
            key for key, each in listed.items() if kind.shelf.accepts(each.uid, key, each.version)
        ]
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(READ_SECONDS):
                for key in missed[:READ_AT_ONCE]:
                    with contextlib.suppress(Gone):  # the next comparison knows
                        kind.see(await self._cluster.get(kind.resource, *key))


def _awaits_kopf(meta: Object) -> bool:
    """Whether kopf has its finalizer to add or to remove. While that is refused it tries again, for
    two minutes and more, and hands on no event of that object: it is not the watch that is deaf."""
    return (FINALIZER in meta.get("finalizers", [])) == ("deletionTimestamp" in meta)
