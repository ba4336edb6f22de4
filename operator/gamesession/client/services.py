"""The objects that a user stores with a session, each ended exactly once."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Mapping
from types import MappingProxyType

from gamesession.client.disposal import Disposal


class SessionEnded(RuntimeError):
    """An object was to be stored with a session that is over; it has been cleaned up."""


class Services:
    """All that is stored in one process, by session.

    An object is counted as often as it is stored: it is ended when it stands nowhere any more.
    """

    def __init__(self, disposal: Disposal) -> None:
        self._disposal = disposal
        self._lock = threading.Lock()
        self._places: Counter[int] = Counter()
        self._shelves: set[Shelf] = set()
        self._closed = False

    def shelf(self, session: str) -> Shelf:
        """A place for the objects of one session; closed where everything is.

        Args:
            session: what it is called in the log.
        """
        shelf = Shelf(self, session)
        with self._lock:
            shelf.closed = self._closed
            if not shelf.closed:
                self._shelves.add(shelf)
        return shelf

    def close(self) -> None:
        """End everything."""
        with self._lock:
            self._closed = True
            shelves = list(self._shelves)
        for shelf in shelves:
            self.clear(shelf)

    def forsake(self) -> None:
        """In a forked child: the objects are the parent's, who ends them."""
        self._lock, self._closed = threading.Lock(), True
        for shelf in self._shelves:
            shelf.objects, shelf.closed = {}, True
        self._shelves = set()
        self._places.clear()

    def put(self, shelf: Shelf, name: str, obj: object) -> None:
        """Store an object in the place of another; `None` stores nothing.

        Raises:
            SessionEnded: the shelf is closed.
        """
        with self._lock:
            closed = shelf.closed
            if closed:
                stale = obj if obj is not None and not self._places[id(obj)] else None
            else:
                stale = self._swap(shelf, name, obj)
        if stale is not None:
            self._disposal.begin(stale, name, shelf.session)
        if closed:
            raise SessionEnded(
                f"session {shelf.session} has ended: {name!r} was cleaned up, not stored; "
                "create_session gives the user's next one"
            )

    def clear(self, shelf: Shelf) -> None:
        """The session is over: end its objects. Twice is fine."""
        with self._lock:
            shelf.closed = True
            self._shelves.discard(shelf)
            objects, shelf.objects = shelf.objects, {}
            stale = [(name, obj) for name, obj in objects.items() if self._leave(obj)]
        for name, obj in stale:
            self._disposal.begin(obj, name, shelf.session)

    def _swap(self, shelf: Shelf, name: str, obj: object) -> object | None:
        """Store one object, and return the one that stands nowhere any more."""
        old = shelf.objects.get(name)
        if obj is not None:
            shelf.objects[name] = obj  # in one step: who reads takes no lock
            self._places[id(obj)] += 1
        else:
            shelf.objects.pop(name, None)
        return old if old is not None and self._leave(old) else None

    def _leave(self, obj: object) -> bool:
        """Take an object from one place; whether that was the last."""
        self._places[id(obj)] -= 1
        if self._places[id(obj)] > 0:
            return False
        del self._places[id(obj)]
        return True


class Shelf:
    """The objects of one session. `Services` alone changes it."""

    def __init__(self, services: Services, session: str) -> None:
        self._services = services
        self.session = session
        self.objects: dict[str, object] = {}
        self.closed = False

    def get(self, name: str) -> object | None:
        """What is stored under a name."""
        return self.objects.get(name)

    def view(self) -> Mapping[str, object]:
        """All that is stored now, to be read."""
        return MappingProxyType(dict(self.objects))

    def put(self, name: str, obj: object) -> None:
        """Store an object; see `Services.put`."""
        self._services.put(self, name, obj)

    def clear(self) -> None:
        """End all objects, and take no more."""
        self._services.clear(self)
