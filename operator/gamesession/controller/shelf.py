"""The objects of one kind as they were last seen.

Two sources feed it, watch events and the answers to our own writes, in any order: the newer
resource version wins, and what was deleted stays so.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import Generic, Protocol, TypeVar

Key = tuple[str, str]
"""Namespace and name."""


class Item(Protocol):
    """What a shelf holds."""

    @property
    def namespace(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def uid(self) -> str: ...
    @property
    def resource_version(self) -> str: ...


def key_of(item: Item) -> Key:
    """Where an object lives."""
    return item.namespace, item.name


T = TypeVar("T", bound=Item)


class Shelf(Generic[T]):
    """The objects of one kind.

    Args:
        clock: seconds that only move forward.
    """

    TOMBSTONES = 10_000

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._items: dict[Key, T] = {}
        self._seen: dict[Key, float] = {}
        self._buried: dict[str, None] = {}
        self._clock = clock

    def __len__(self) -> int:
        return len(self._items)

    def get(self, key: Key) -> T | None:
        """The object under that name, if it is there."""
        return self._items.get(key)

    def values(self) -> Iterable[T]:
        """All objects."""
        return list(self._items.values())

    def accepts(self, uid: str, key: Key, resource_version: str | int) -> bool:
        """Whether an observation is news: not of something deleted, and not older than ours."""
        if uid in self._buried:
            return False
        known = self._items.get(key)
        return known is None or int(resource_version) > int(known.resource_version)

    def put(self, item: T) -> None:
        """Keep an observation."""
        known = self._items.get(key_of(item))
        if known is not None and known.uid != item.uid:
            self.bury(known.uid)
        self._items[key_of(item)] = item
        self._seen[key_of(item)] = self._clock()

    def remove(self, key: Key, uid: str) -> T | None:
        """Forget an object, for good; returns it if it was there."""
        self.bury(uid)
        known = self._items.get(key)
        if known is None or known.uid != uid:
            return None
        del self._items[key], self._seen[key]
        return known

    def unheard_since(self, moment: float) -> list[T]:
        """The objects of which nothing was heard since a moment of our clock."""
        return [item for key, item in self._items.items() if self._seen[key] < moment]

    def is_buried(self, uid: str) -> bool:
        """Whether an object is known to be gone."""
        return uid in self._buried

    def bury(self, uid: str) -> None:
        """Remember that an object was deleted, so that a late echo does not bring it back."""
        self._buried[uid] = None
        if len(self._buried) > self.TOMBSTONES:
            del self._buried[next(iter(self._buried))]
