"""The objects of one kind in one namespace, kept up to date by LIST and watch.

Two sources feed it: the API server's lists and watches, and the answers to our own writes and
GETs (`offer`, `forget`), so that we read our own writes before the watch echoes them. The newer
resource version wins, and what was deleted stays so. Resource versions are compared as numbers:
https://kubernetes.io/docs/reference/using-api/api-concepts/#resource-versions

While the API server is away the last state stays: what it says may be old, but not unfounded.

A watch that is silent is given up, and what it may have left out is listed. One that lags behind is
found out by what we know from elsewhere: answers to our own requests, older lists.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import aclosing
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

import structlog

from gamesession.kube.backoff import Backoff
from gamesession.kube.cluster import WATCH_SECONDS, Cluster, Object
from gamesession.kube.errors import ApiError, Expired, Silent, Unreachable
from gamesession.kube.resources import Resource

FIRST_RETRY: Final = 0.1
LONGEST_RETRY: Final = 2.0
TOMBSTONES: Final = 10_000
BEHIND_SECONDS: Final = 15.0
"""For so long a watch may be behind what we know from elsewhere."""
QUIET_WATCHES: Final = 10
"""So many watches in a row may have nothing to tell: then a list shows whether that is so. One that
was asked from a version that is not there yet, for the API server's data were restored, and one of
an API server that is stuck look the same as one of a quiet cluster."""

T = TypeVar("T")

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Entry(Generic[T]):
    uid: str
    version: int
    item: T


class Informer(Generic[T]):
    """What is known of one kind of object.

    Args:
        read: makes what is kept of an object; one that it cannot read (`ValueError`, `KeyError`,
            `TypeError`, `AttributeError`) counts as not there, and is logged.
        clock: seconds that only move forward.
    """

    def __init__(
        self,
        cluster: Cluster,
        resource: Resource,
        namespace: str,
        read: Callable[[Object], T],
        *,
        label_selector: str = "",
        field_selector: str = "",
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.resource = resource
        self.read = read
        self.synced = asyncio.Event()
        """Set by the first LIST, and never taken back."""
        self._cluster = cluster
        self._namespace = namespace
        self._label_selector = label_selector
        self._field_selector = field_selector
        self._clock = clock
        self._alive_at = clock()
        self._entries: dict[str, _Entry[T]] = {}
        self._buried: dict[str, None] = {}
        self._callbacks: list[Callable[[T | None, T | None], None]] = []
        self._version = 0
        self._refused = ""
        self._stale = False
        self._quiet = 0
        self._ahead = (0, 0.0)
        """A version that we know from elsewhere, and since when: the watch is to come as far."""
        self._must_list = True

    # Asking -------------------------------------------------------------------------------------

    def get(self, name: str) -> T | None:
        """The object of that name, if it is there."""
        entry = self._entries.get(name)
        return entry.item if entry else None

    def values(self) -> list[T]:
        """All objects."""
        return [entry.item for entry in self._entries.values()]

    def age(self) -> float:
        """Seconds since the API server last said anything about this kind that was not stale."""
        return self._clock() - self._alive_at

    @property
    def refused(self) -> str:
        """What keeps us from following, in words, where it is none that a new process would be
        spared: the API server refuses, or does not answer."""
        return "" if self._stale else self._refused

    def subscribe(self, callback: Callable[[T | None, T | None], None]) -> None:
        """Call back with every change, (old, new); `None` for not being there."""
        self._callbacks.append(callback)

    # Our own writes -----------------------------------------------------------------------------

    def offer(self, found: Object) -> None:
        """Take in what a write or a GET of ours answered, unless the watch is past it already."""
        version = int(found["metadata"]["resourceVersion"])
        if version > self._version:
            if self._ahead[0] <= self._version:
                self._ahead = (version, self._clock())
            self._see(found)

    def forget(self, name: str, uid: str) -> None:
        """Take note that one life of an object is over; late echoes of it are passed over."""
        self._buried[uid] = None
        if len(self._buried) > TOMBSTONES:
            del self._buried[next(iter(self._buried))]
        self._drop(name, uid)

    # Following ----------------------------------------------------------------------------------

    async def run(self) -> None:
        """Follow the API server until cancelled, through whatever ends a LIST or a watch."""
        backoff = Backoff(FIRST_RETRY, LONGEST_RETRY)
        while True:
            began, least = self._clock(), 0.0
            try:
                if self._must_list:
                    await self._list()
                    began = self._clock()
                await self._watch()
                if self._clock() - began > 1.0:
                    backoff.reset()
                    continue  # at once: it ended in its time, and what happens now is to be heard
            except Silent as error:  # a list tells what it left out
                self._must_list, self._refused = True, str(error)
                log.warning("watch was silent", resource=self.resource.plural, error=str(error))
            except Unreachable as error:  # go on from where it broke off
                self._refused, self._stale = str(error), False
                log.debug("watch broke off", resource=self.resource.plural, error=str(error))
            except Expired:
                self._must_list = True
            except ApiError as error:
                self._must_list, self._refused, self._stale = True, str(error), False
                least = min(error.retry_after or 0.0, LONGEST_RETRY)
                log.warning("watch refused", resource=self.resource.plural, error=str(error))
            except Exception:
                self._must_list = True
                log.exception("watch failed", resource=self.resource.plural)
            if self._clock() - began > 1.0:
                backoff.reset()
            await asyncio.sleep(max(least, backoff.delay()))

    async def _list(self) -> None:
        items, version = await self._cluster.list(
            self.resource,
            self._namespace,
            label_selector=self._label_selector,
            field_selector=self._field_selector,
        )
        self._must_list = False
        self._stale = int(version) < self._version
        if self._stale:  # what it lacks may be there, and what it has may be gone
            log.warning("list is stale", resource=self.resource.plural)
            return
        self._version = int(version)
        self._quiet = 0
        self._note_life()
        found = {item["metadata"]["name"] for item in items}
        for name, entry in list(self._entries.items()):
            # What we wrote after the list was made is not missing from it.
            if name not in found and entry.version <= int(version):
                self._drop(name, entry.uid)
        for item in items:
            self._see(item)
        self.synced.set()

    async def _watch(self) -> None:
        began = self._clock()
        events = self._cluster.watch(
            self.resource,
            self._namespace,
            resource_version=str(self._version),
            label_selector=self._label_selector,
            field_selector=self._field_selector,
        )
        async with aclosing(events):  # type: ignore[type-var]
            async for event in events:
                self._take(event["type"], event["object"])
                self._quiet = 0
                self._note_life()
        if self._is_behind():
            self._must_list = True
            log.warning("watch is behind", resource=self.resource.plural)
        elif self._clock() - began > WATCH_SECONDS - 1:
            self._note_quiet()
        elif self.age() > WATCH_SECONDS:
            self._must_list = True  # it ends before its time, again and again, without a word

    def _take(self, kind: str, found: Object) -> None:
        metadata = found["metadata"]
        if kind in ("ADDED", "MODIFIED"):
            self._see(found)
        elif kind == "DELETED":
            self._drop(metadata["name"], metadata["uid"])
        self._version = max(self._version, int(metadata["resourceVersion"]))

    def _is_behind(self) -> bool:
        """Whether we have known for long what the API server has yet to tell."""
        version, since = self._ahead
        return version > self._version and self._clock() - since > BEHIND_SECONDS

    def _note_quiet(self) -> None:
        """A watch ended when it should, and may have had nothing to tell."""
        self._quiet += 1
        if self._stale or self._quiet >= QUIET_WATCHES:
            self._must_list = True
        else:
            self._note_life()

    def _note_life(self) -> None:
        self._refused, self._stale = "", False
        if not self._is_behind():
            self._alive_at = self._clock()

    # The store ----------------------------------------------------------------------------------

    def _see(self, found: Object) -> None:
        metadata = found["metadata"]
        name, uid, version = metadata["name"], metadata["uid"], int(metadata["resourceVersion"])
        old = self._entries.get(name)
        if uid in self._buried or (old is not None and old.version >= version):
            return
        try:
            item = self.read(found)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            log.error("object cannot be read", kind=self.resource.kind, name=name, error=str(error))
            if old is not None:
                self._drop(name, old.uid)
            return
        if old is not None and old.uid != uid:
            self._drop(name, old.uid)
            old = None
        self._entries[name] = _Entry(uid, version, item)
        self._tell(old.item if old else None, item)

    def _drop(self, name: str, uid: str) -> None:
        entry = self._entries.get(name)
        if entry is not None and entry.uid == uid:
            del self._entries[name]
            self._tell(entry.item, None)

    def _tell(self, old: T | None, new: T | None) -> None:
        for callback in self._callbacks:
            try:
                callback(old, new)
            except Exception:
                log.exception("callback failed", resource=self.resource.plural)
