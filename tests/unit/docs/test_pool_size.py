"""The sizes of warm pools in docs/tuning.md: those that the formula gives, and enough."""

from __future__ import annotations

import heapq
import os
import random
from pathlib import Path

import pytest

from docs.examples.pool_size import PATIENCE, pool_size, table
from tests.guides.guide import ROOT, blocks
from tests.guides.walk import Walk


def share_that_waits(size: int, start_seconds: float, users_per_minute: float) -> float:
    """Users who found the pool empty, of 50,000 that came at random."""
    chance = random.Random(f"{size} {start_seconds} {users_per_minute}")
    returns: list[float] = []
    now, waited, users = 0.0, 0, 50_000
    for _ in range(users):
        now += chance.expovariate(users_per_minute / 60)
        while returns and returns[0] <= now:
            heapq.heappop(returns)
        if len(returns) < size:
            heapq.heappush(returns, now + start_seconds)
        else:
            waited += 1
    return waited / users


def test_the_table_is_what_the_formula_gives() -> None:
    assert table() in (ROOT / "docs/tuning.md").read_text(), "see docs/examples/pool_size.py"


@pytest.mark.parametrize(("seconds", "rate"), [(2, 5), (8, 20), (30, 60)])
def test_users_seldom_find_the_pool_empty(seconds: float, rate: float) -> None:
    size = pool_size(seconds, rate)

    assert share_that_waits(size, seconds, rate) <= PATIENCE
    assert share_that_waits(max(0, size // 2), seconds, rate) > PATIENCE, "the test can tell"


async def test_the_guides_own_example_is_right(tmp_path: Path) -> None:
    async with Walk(tmp_path, os.environ) as walk:
        assert await walk.through(blocks(ROOT / "docs/tuning.md")) == 1


def test_more_patience_needs_fewer_pods() -> None:
    assert pool_size(30, 60, patience=0.5) < pool_size(30, 60) < pool_size(30, 60, patience=1e-6)
