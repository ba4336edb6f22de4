"""One operator after another in one process: what becomes of the one before."""

from __future__ import annotations

import asyncio
import gc
import time
import weakref
from typing import Any, Self

import pytest

from gamesession.controller import operator
from gamesession.controller.health import Health
from gamesession.controller.metrics import POPULATION
from gamesession.kube.contact import Contact


class Cluster:
    """There is none."""

    def __init__(self, *_: Any, before_write: object) -> None:
        pass

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        pass


async def test_nothing_is_kept_of_one_that_started_over(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each freezes what it loaded: of thousands of sessions, hundreds of MiB in all."""
    lives: list[weakref.ref[Any]] = []
    kept: list[bool] = []

    class Operator:
        """One that falls over the first time."""

        def __init__(self, _: Any, __: Any, health: Health) -> None:
            self.me = self
            self.kinds: dict[str, Any] = {}
            contact = Contact(time.monotonic)
            contact.on_regained = self.ask
            me: Any = self
            health.begin(me, contact)
            POPULATION.store = me
            lives.append(weakref.ref(self))

        def ask(self) -> None:
            """For a comparison."""

        async def run(self) -> None:
            if len(lives) == 1:
                gc.freeze()
                raise RuntimeError("deaf")
            kept.append(lives[0]() is not None)

    monkeypatch.setattr(operator, "Cluster", Cluster)
    monkeypatch.setattr(operator, "Operator", Operator)
    monkeypatch.setattr(operator, "FIRST_RESTART", 0.01)
    nothing: Any = None
    try:
        await asyncio.wait_for(operator._live(nothing, nothing, Health(), nothing), 60)
    finally:
        gc.unfreeze()
    assert kept == [False]
