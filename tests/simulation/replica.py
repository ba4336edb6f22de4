"""A process of the operator: all of it but kopf, whose part the simulation's watches take."""

from __future__ import annotations

import asyncio
import random
from functools import partial
from typing import Any, Final

from gamesession.controller import handlers
from gamesession.controller.handlers import TICK_SECONDS
from gamesession.controller.health import Health
from gamesession.controller.operator import Operator
from gamesession.controller.settings import OperatorSettings
from gamesession.kube.resources import GAMES, PODS, SESSIONS, Resource
from tests.simulation.apiserver import ApiServer
from tests.simulation.clock import Agenda
from tests.simulation.fate import Fates
from tests.simulation.line import Line
from tests.simulation.loop import Loop
from tests.simulation.watches import Event, Watches
from tests.unit.plan.objects import NAMESPACE

LANDS_AFTER: Final = 5.0
"""Seconds after the end of a pause within which the API server takes up what was under way."""


class Replica:
    """A process of the operator that believes it leads.

    Attributes:
        name: nobody else's, nor that of one before.
        asleep_until: nothing of it runs before.
        dead: whether it was killed.
    """

    def __init__(
        self, name: str, server: ApiServer, agenda: Agenda, fates: Fates, chance: random.Random
    ) -> None:
        self.name = name
        self.loop = Loop(agenda.clock)  # type: ignore[abstract]
        self.asleep_until = 0.0
        self.dead = False
        self._agenda = agenda
        self._chance = chance
        self.line = Line(name, server, agenda, self.loop, fates)
        settings = OperatorSettings(namespace=[NAMESPACE])
        cluster: Any = self.line
        self.operator = Operator(cluster, settings, Health())
        self.watches = Watches(server, agenda, chance, self._hear)
        self._main = self.loop.create_task(self._run())

    # The process --------------------------------------------------------------------------------

    @property
    def next(self) -> float:
        """When it has something to do."""
        return max(self.loop.next, self.asleep_until)

    def run_due(self) -> None:
        """Do all that is due, if it is awake."""
        if not self.dead and self.asleep_until <= self._agenda.clock.seconds:
            self.loop.run_due()

    def pause(self, seconds: float) -> None:
        """Nothing of it runs for a while; what it asked may be taken up now, or after it woke."""
        self.asleep_until = self.watches.deaf_until = self._agenda.clock.seconds + seconds
        for request in list(self.line.in_flight.values()):
            if self._chance.random() < 0.5:
                request.arrive_in(self._chance.uniform(0, seconds + LANDS_AFTER))

    def kill(self) -> None:
        """It is gone; what it asked is taken up all the same."""
        self.dead = True
        self.watches.end()
        self.loop.end()

    @property
    def problem(self) -> str:
        """What it stopped of, if it did."""
        if self._main.done() and not self.dead:
            return f"{self.name} stopped: {self._main.exception()!r}"
        return "".join(self.loop.errors)

    # The operator -------------------------------------------------------------------------------

    async def _run(self) -> None:
        """As `Operator.run`, without kopf."""
        await self.operator._load()
        self.watches.begin()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self.operator._serve())
            tasks.create_task(self._tick())

    async def _tick(self) -> None:
        """kopf's timer."""
        while True:
            await asyncio.sleep(TICK_SECONDS)
            await self.operator.endings.tick_all()

    def _hear(self, resource: Resource, told: list[Event]) -> None:
        """Its handlers are called when it runs next."""
        self.loop.call_soon(self._handle, resource, told)

    def _handle(self, resource: Resource, told: list[Event]) -> None:
        store = self.operator.store
        for kind, body in told:
            see, lose = {
                GAMES: (store.see_game, store.lose_game),
                SESSIONS: (partial(store.see_session, found=kind is None), store.lose_session),
                PODS: (store.see_pod, store.lose_pod),
            }[resource]
            event = {"type": kind, "object": body}
            handlers._see(event, resource.plural, see, lose, self.operator.comparison)
