"""What the watches of one operator tell it, each kind in order and as late as it may be."""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Callable
from typing import Final

from gamesession.kube.resources import Resource
from tests.simulation.apiserver import KINDS, ApiServer, Change
from tests.simulation.clock import Agenda
from tests.unit.plan.objects import Object

SHORTEST_LAG: Final = 0.002
USUAL_LAG: Final = 0.05
LONGEST_LAG: Final = 4.0
SELDOM: Final = 0.1
AT_ONCE: Final = 40

Event = tuple[str | None, Object]
"""As kopf has it: a type, `None` for what was listed, and the object."""
Hear = Callable[[Resource, list[Event]], None]


class Watch:
    """The watch of one kind: it lists, and then tells of changes."""

    def __init__(self, resource: Resource, watches: Watches) -> None:
        self._resource = resource
        self._watches = watches
        self._queue: deque[Event] = deque()
        self._listens = False
        self._scheduled = False

    def begin(self) -> None:
        """List what is there; what is gone by then is not told of."""
        self._queue.clear()
        self._listens = False
        self._watches.later(self._list)

    def change(self, change: Change) -> None:
        """Something happened to an object of this kind."""
        if self._listens:
            self._queue.append(("DELETED" if change.after is None else "MODIFIED", change.told))
            self._schedule()

    def _list(self) -> None:
        self._listens = True
        found = self._watches.server.all(self._resource)
        self._watches.hear(self._resource, [(None, each) for each in found])

    def _schedule(self) -> None:
        if not self._scheduled:
            self._scheduled = True
            self._watches.later(self._tell)

    def _tell(self) -> None:
        self._scheduled = False
        count = min(len(self._queue), self._watches.chance.randint(1, AT_ONCE))
        self._watches.hear(self._resource, [self._queue.popleft() for _ in range(count)])
        if self._queue:
            self._schedule()


class Watches:
    """The watches of an operator.

    Args:
        hear: takes what is told.

    Attributes:
        calm: whether they are quick.
        deaf_until: when the operator can hear again.
    """

    def __init__(
        self, server: ApiServer, agenda: Agenda, chance: random.Random, hear: Hear
    ) -> None:
        self.server = server
        self.chance = chance
        self.hear = hear
        self.calm = False
        self.deaf_until = 0.0
        self._agenda = agenda
        self._ended = False
        self._kinds = {kind: Watch(kind, self) for kind in KINDS}
        server.listeners.append(self._change)

    def begin(self) -> None:
        """All of them begin."""
        for watch in self._kinds.values():
            watch.begin()

    def end(self) -> None:
        """Nobody listens any more."""
        self._ended = True
        self.server.listeners.remove(self._change)

    def cut(self, resource: Resource) -> None:
        """The watch of a kind breaks, and begins anew."""
        self._kinds[resource].begin()

    def later(self, deed: Callable[[], None]) -> None:
        """Do it when the operator hears of it."""
        if self.calm or self.chance.random() >= SELDOM:
            lag = SHORTEST_LAG + USUAL_LAG * self.chance.random()
        else:
            lag = LONGEST_LAG * self.chance.random()
        self._agenda.after(lag, lambda: self._when_it_hears(deed))

    def _when_it_hears(self, deed: Callable[[], None]) -> None:
        if self._ended:
            return
        if self.deaf_until > self._agenda.clock.seconds:
            wait = self.deaf_until - self._agenda.clock.seconds
            self._agenda.after(wait, lambda: self.later(deed))
        else:
            deed()

    def _change(self, change: Change) -> None:
        self._kinds[change.resource].change(change)
