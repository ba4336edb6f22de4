"""One seeded run: two operators, a few hundred users, and trouble; then calm, and a look."""

from __future__ import annotations

import logging
import random
import secrets
import sys
import traceback
from collections.abc import MutableMapping
from contextlib import ExitStack
from typing import Any, Final
from unittest.mock import patch

import structlog

from gamesession.controller import operator as operator_module
from gamesession.kube.resources import GAMES, SESSIONS
from tests.simulation.apiserver import KINDS, ApiServer
from tests.simulation.clock import CLOCK, Agenda
from tests.simulation.fate import Fates
from tests.simulation.kubelet import Collector, Kubelet
from tests.simulation.law import Broken, Law
from tests.simulation.replica import Replica
from tests.simulation.users import Users
from tests.unit.plan.objects import CHESS, Object, game

USERS: Final = 300
TROUBLE: Final = 25.0
"""Seconds until all is calm."""
PATIENCE: Final = 400.0
"""Seconds of calm after which all must be as it should."""
LARGEST_WAVE: Final = 100
STEP: Final = 5.0
QUIET: Final = 35.0
"""Seconds for which it must stay so: longer than it takes until the next comparison."""


class Run:
    """One run.

    Attributes:
        bugs: what parts of the operator logged as errors.
    """

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.chance = chance = random.Random(seed)
        self.clock = CLOCK
        self.clock.seconds = 0.0
        self.agenda = agenda = Agenda(self.clock)
        self.server = server = ApiServer(self.clock, chance)
        self.law = Law(server)
        self.fates = Fates(chance, chance.choice((0.02, 0.05, 0.1, 0.2)))
        self.kubelet = Kubelet(server, agenda, chance, chance.choice((0.0, 0.01, 0.05)))
        Collector(server, agenda, chance)
        self.users = Users(server, agenda, chance)
        self.replicas: list[Replica] = []
        self.bugs: list[str] = []
        self._size = chance.choice((40, 100, 200, 300))
        self._names = 0

    def play(self) -> None:
        """Play it.

        Raises:
            Broken: what must not happen has, or what must has not.
        """
        with ExitStack() as stack:
            self._take_over(stack)
            self._begin()
            self._until(TROUBLE)
            self._calm_down()
            self._until_settled()
            self._last_wave()
            for replica in self._living():
                replica.kill()

    # Steps --------------------------------------------------------------------------------------

    def _begin(self) -> None:
        self.server.create(GAMES, self._game())
        for _ in range(2):
            self._start()
        arrives = self.chance.uniform(0, 6)
        within = self.chance.choice((0.0, 1.0, 5.0, 12.0))
        self.users.come(USERS, arrives, within)
        pause = arrives + self.chance.uniform(0, within + 2)
        self.agenda.after(pause, self._pause)
        if self.chance.random() < 0.3:
            self.agenda.after(self.chance.uniform(0, TROUBLE), self._pause)
        if self.chance.random() < 0.4:
            self.agenda.after(arrives + self.chance.uniform(0, within + 5), self._replace)
        for _ in range(self.chance.randrange(4)):
            self.agenda.after(self.chance.uniform(0, TROUBLE), self._cut)
        if self.chance.random() < 0.3:
            self.agenda.after(self.chance.uniform(0, TROUBLE), self._edit)

    def _calm_down(self) -> None:
        self.fates.rate = 0.0
        self.kubelet.calm = True
        for replica in self._living():
            replica.watches.calm = True
        # In the end the lease has but one holder, and who lost it exits.
        self.agenda.after(self.chance.uniform(0, 15), self._leave_one)

    def _until_settled(self) -> None:
        begun, settled = self.clock.seconds, None
        while settled is None or self.clock.seconds < settled + QUIET:
            self._until(self.clock.seconds + STEP)
            left = self._unfinished()
            if not left:
                settled = settled or self.clock.seconds
            elif settled is not None:
                raise Broken(f"it was well, and is no more: {left[:5]}")
            elif self.clock.seconds > begun + PATIENCE:
                raise Broken(f"{len(left)} things are not as they must be: {left[:5]}")

    def _last_wave(self) -> None:
        """Who comes now finds a pod that waits: none of them is kept for somebody else."""
        if self._size > LARGEST_WAVE:
            return  # it would take as long as all before
        names = self.users.come(self._size, 0.0, 0.0, stay=True)
        self._until(self.clock.seconds + QUIET)
        if left := self._unfinished():
            raise Broken(f"after the last wave: {left[:5]}")
        kinds = [self.server.get(SESSIONS, name)["status"]["startKind"] for name in names]
        if kinds.count("Warm") != self._size:
            raise Broken(f"of {self._size} pods that waited {kinds.count('Warm')} were handed out")

    def _unfinished(self) -> list[str]:
        left = self.law.unfinished(self.users.sessions)
        return left if len(self._living()) == 1 else [*left, "two operators"]

    # Trouble ------------------------------------------------------------------------------------

    def _pause(self) -> None:
        self.chance.choice(self._living()).pause(self.chance.uniform(0.5, 15))

    def _replace(self) -> None:
        self.chance.choice(self._living()).kill()
        self.agenda.after(self.chance.uniform(0, 3), self._start)

    def _leave_one(self) -> None:
        for replica in self.chance.sample(self._living(), len(self._living()) - 1):
            replica.kill()

    def _cut(self) -> None:
        self.chance.choice(self._living()).watches.cut(self.chance.choice(KINDS))

    def _edit(self) -> None:
        """An administrator edits template or size."""
        if self.chance.random() < 0.5:
            self._size = self.chance.choice((20, 60, 150))
        edit: Object = {"warmPool": {"size": self._size}}
        if self.chance.random() < 0.5:
            edit["template"] = {"spec": {"terminationGracePeriodSeconds": 10}}
        self.server.merge_patch(GAMES, CHESS, {"spec": edit}, "")

    # What goes on -------------------------------------------------------------------------------

    def _start(self) -> None:
        self._names += 1
        name = f"operator-{self._names}"
        replica = Replica(name, self.server, self.agenda, self.fates, self.chance)
        replica.watches.calm = self.fates.rate == 0.0
        self.law.watch(replica)
        self.replicas.append(replica)

    def _living(self) -> list[Replica]:
        return [replica for replica in self.replicas if not replica.dead]

    def _until(self, seconds: float) -> None:
        while True:
            living = self._living()
            due = min(self.agenda.next, *(replica.next for replica in living))
            if due > seconds:
                break
            self.clock.seconds = max(self.clock.seconds, due)
            if self.agenda.next <= self.clock.seconds:
                self.agenda.do_next()
            for replica in living:
                if replica.next <= self.clock.seconds:
                    replica.run_due()
            self._judge()
        self.clock.seconds = seconds

    def _judge(self) -> None:
        stopped = [replica.problem for replica in self.replicas if replica.problem]
        if wrong := [*self.law.broken, *self.bugs, *stopped]:
            raise Broken(f"at {self.clock.seconds:.3f} s: {'; '.join(wrong)}")

    def _game(self) -> Object:
        made = game(session={"startTimeout": "10m"}, warmPool={"size": self._size})
        return {"metadata": {"name": CHESS}} | {part: made[part] for part in ("spec", "status")}

    def _take_over(self, stack: ExitStack) -> None:
        """Chance and time of the operator's parts are the simulation's."""
        random.seed(self.seed)
        stack.enter_context(patch.object(secrets, "choice", self.chance.choice))
        stack.enter_context(patch.object(secrets, "token_hex", lambda _: "0"))
        stack.enter_context(patch.object(operator_module, "gc"))
        datetimes = self.clock.datetimes()
        for name, module in list(sys.modules.items()):
            if name.startswith("gamesession.controller.") and hasattr(module, "datetime"):
                stack.enter_context(patch.object(module, "datetime", datetimes))
        structlog.configure(
            processors=[self._log],
            wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR),
            cache_logger_on_first_use=False,
        )

    def _log(self, _: Any, __: str, event: MutableMapping[str, Any]) -> Any:
        self.bugs.append(f"{event}: {traceback.format_exc()}")
        raise structlog.DropEvent
