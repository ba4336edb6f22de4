"""One operator after another in one process: what becomes of the one before."""

from __future__ import annotations

import asyncio
import gc
import weakref
from typing import Any, Self

import pytest

from gamesession.controller import operator
from gamesession.controller.health import Health
from gamesession.controller.metrics import POPULATION
from gamesession.controller.store import Store


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

        def __init__(self, *_: Any) -> None:
            self.me = self
            lives.append(weakref.ref(self))

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


async def test_what_it_counted_is_not_shown_any_more(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor kept, beside what the next one loads."""
    shown: list[Store | None] = []

    class Operator:
        """One that falls over the first time."""

        def __init__(self, *_: Any) -> None:
            shown.append(POPULATION.store)

        async def run(self) -> None:
            POPULATION.store = Store()
            if len(shown) == 1:
                raise RuntimeError("deaf")

    monkeypatch.setattr(POPULATION, "store", None)
    monkeypatch.setattr(operator, "Cluster", Cluster)
    monkeypatch.setattr(operator, "Operator", Operator)
    monkeypatch.setattr(operator, "FIRST_RESTART", 0.01)
    nothing: Any = None
    await asyncio.wait_for(operator._live(nothing, nothing, Health(), nothing), 60)
    assert shown == [None, None]
