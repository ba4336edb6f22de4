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
from dataclasses import dataclass, field
from typing import Final, NamedTuple

import structlog

from gamesession.api.labels import ROLE_LABEL
from gamesession.controller.finalizer import FINALIZER
from gamesession.controller.shelf import Key, Shelf, key_of
from gamesession.controller.store import Store
from gamesession.kube.cluster import Cluster, Object
from gamesession.kube.errors import ApiError, Gone, Unreachable
from gamesession.kube.resources import GAMES, PODS, SESSIONS, Resource

log = structlog.get_logger(__name__)

INTERVAL: Final = 30.0
SHORTEST_INTERVAL: Final = 2.0
RETRY: Final = 5.0
DEAF_SECONDS: Final = 20.0
LIST_PAUSE: Final = 1.0
"""A watch that has told of nothing for so long has come to the end of its list."""
READ_AT_ONCE: Final = 100


class DeafWatch(Exception):
    """A watch tells nothing of changes that happen: only starting over helps."""


class Listed(NamedTuple):
    """What a comparison keeps of what a list said of an object: thousands are listed.

    Attributes:
        awaits_kopf: see `_awaits_kopf`.
    """

    uid: str
    version: str
    awaits_kopf: bool


@dataclass
class Kind:
    """A kind of object, its place in the store, and how far its watch has come.

    Attributes:
        kopf_writes: whether kopf puts its finalizer on these.
        heard: the highest resource version that the watch told of, for each namespace has its own.
        heard_at: when it last told anything.
        listed, listed_at: what a comparison found, and when.
    """

    resource: Resource
    shelf: Shelf  # type: ignore[type-arg]
    see: Callable[[Object], None]
    lose: Callable[[Key, str], None]
    selector: str = ""
    kopf_writes: bool = False
    heard: dict[str, int] = field(default_factory=dict)
    heard_at: dict[str, float] = field(default_factory=dict)
    listed: dict[Key, Listed] = field(default_factory=dict)
    listed_at: float = field(default_factory=time.monotonic)


class Comparison:
    """Compares the store with the API server.

    Args:
        namespaces: those that are watched.
    """

    def __init__(self, cluster: Cluster, store: Store, namespaces: list[str]) -> None:
        self._cluster = cluster
        self._namespaces = namespaces
        self._wanted = asyncio.Event()
        self._quiet_at = 0.0
        self.kinds = {
            "games": Kind(GAMES, store.games, store.see_game, store.lose_game, kopf_writes=True),
            "gamesessions": Kind(
                SESSIONS,
                store.sessions,
                lambda session: store.see_session(session, found=True),
                store.lose_session,
            ),
            "pods": Kind(PODS, store.pods, store.see_pod, store.lose_pod, ROLE_LABEL),
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
        kind, namespace = self.kinds[plural], meta["namespace"]
        heard = kind.heard.get(namespace, 0)
        kind.heard[namespace] = max(heard, int(meta["resourceVersion"]))
        kind.heard_at[namespace] = time.monotonic()

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

    async def run(self) -> None:
        """Compare until cancelled.

        Raises:
            DeafWatch: a watch tells nothing any more.
        """
        wait = INTERVAL
        while True:
            latest = time.monotonic() + wait
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._wanted.wait(), wait)
            while (pause := min(self._quiet_at, latest) - time.monotonic()) > 0:  # noqa: ASYNC110
                await asyncio.sleep(pause)
            self._wanted.clear()
            wait = INTERVAL if await self.compare() else RETRY
            await asyncio.sleep(SHORTEST_INTERVAL)

    async def compare(self) -> bool:
        """Compare all kinds once; `False` if the API server did not let us.

        Raises:
            DeafWatch: a watch tells nothing any more.
        """
        try:
            for kind in self.kinds.values():
                await self._compare(kind)
        except (ApiError, Unreachable) as error:
            log.warning("comparison did not succeed", error=str(error))
            return False
        return True

    async def _compare(self, kind: Kind) -> None:
        begun = time.monotonic()
        listed = await self._list(kind)
        self._lose_missing(kind, listed, begun)
        behind = [
            key for key, each in listed.items() if kind.shelf.accepts(each.uid, key, each.version)
        ]
        for key in behind[:READ_AT_ONCE]:
            await self._read(kind, key)
        self._judge_watch(kind, listed)

    async def _list(self, kind: Kind) -> dict[Key, Listed]:
        found: dict[Key, Listed] = {}
        for namespace in self._namespaces:
            pages = self._cluster.pages(
                kind.resource, namespace, label_selector=kind.selector, metadata_only=True
            )
            async for page, _ in pages:
                for item in page:
                    meta = item["metadata"]
                    waits = kind.kopf_writes and _awaits_kopf(meta)
                    listed = Listed(meta["uid"], meta["resourceVersion"], waits)
                    found[meta["namespace"], meta["name"]] = listed
        return found

    def _lose_missing(self, kind: Kind, listed: dict[Key, Listed], begun: float) -> None:
        """Handle as deleted what is not there any more, unless it was heard of since we asked."""
        for item in kind.shelf.unheard_since(begun):
            there = listed.get(key_of(item))
            if there is None or there.uid != item.uid:
                log.info("missed a deletion", kind=kind.resource.kind, name=item.name)
                kind.lose(key_of(item), item.uid)

    async def _read(self, kind: Kind, key: Key) -> None:
        with contextlib.suppress(Gone):  # the next comparison knows
            kind.see(await self._cluster.get(kind.resource, *key))

    def _judge_watch(self, kind: Kind, listed: dict[Key, Listed]) -> None:
        """A watch that has not come as far as a list that is `DEAF_SECONDS` old is deaf.

        What is gone since does not count: a watch that was down for a moment lists what is there.
        Nor does time without contact.
        """
        stood = min(time.monotonic() - kind.listed_at, self._cluster.contact.seconds())
        if stood < DEAF_SECONDS:
            return
        for key, before in kind.listed.items():
            now, (namespace, _) = listed.get(key), key
            if now is None or now.uid != before.uid or now.awaits_kopf or before.awaits_kopf:
                continue
            heard = kind.heard.get(namespace, 0)
            if heard < int(before.version) and not self._is_telling(kind, namespace):
                raise DeafWatch(
                    f"the watch of {kind.resource.plural} in {namespace} has told nothing since "
                    f"resource version {heard}, and there is {before.version}"
                )
        kind.listed, kind.listed_at = listed, time.monotonic()

    @staticmethod
    def _is_telling(kind: Kind, namespace: str) -> bool:
        """Whether a watch is behind because it has so much to tell."""
        silent = time.monotonic() - kind.heard_at.get(namespace, -DEAF_SECONDS)
        return silent < DEAF_SECONDS


def _awaits_kopf(meta: Object) -> bool:
    """Whether kopf has its finalizer to add or to remove. While that is refused it tries again, for
    two minutes and more, and hands on no event of that object: it is not the watch that is deaf."""
    return (FINALIZER in meta.get("finalizers", [])) == ("deletionTimestamp" in meta)
