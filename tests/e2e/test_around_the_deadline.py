"""A session that is used never ends, however near its deadline its requests come."""

from __future__ import annotations

import asyncio
import random
from dataclasses import dataclass

import pytest

from tests.e2e.arcade import Arcade
from tests.e2e.user import Answer, User
from tests.integration.condition import seconds_between

pytestmark = pytest.mark.e2e

USERS = 50
REQUESTS = 20
TIMEOUT = 5.0
SOON, NEAR, AT = (0.05, 0.5), (4.0, 4.95), (4.9, 5.8)
"""Gaps in seconds: no longer than activity is kept before it is written, within the timeout, and
right around it."""
SHARES = (0.2, 0.55, 0.25)


@dataclass(frozen=True)
class Pair:
    """Two requests of one user, one after the other."""

    before: Answer
    after: Answer

    @property
    def gap(self) -> float:
        """Seconds from the end of the one to the end of the other: more than the session was
        without a request, as the gateway saw it."""
        return seconds_between(self.before.ended, self.after.ended)


async def test_a_thousand_requests_around_the_deadline(arcade: Arcade) -> None:
    """None gets an error; who came back in time meets the same pod, every time."""
    game = await arcade.open(session={"idleTimeout": "5s"})
    users = arcade.users(USERS, game)
    pairs = [pair for played in await asyncio.gather(*map(play, users)) for pair in played]
    assert len(pairs) == USERS * REQUESTS
    in_time = [pair for pair in pairs if pair.gap < TIMEOUT]
    torn = [pair for pair in in_time if pair.before.pod != pair.after.pod]
    assert not torn, [(pair.gap, pair.before.ended, pair.after.ended) for pair in torn]
    late = [pair for pair in pairs if pair.gap >= TIMEOUT]
    assert all(pair.after.start in ("reused", "cold") for pair in late)
    # Otherwise the thousand did not come near enough to say anything.
    assert sum(pair.gap > 0.9 * TIMEOUT for pair in in_time) > 100
    assert any(pair.before.pod != pair.after.pod for pair in late)


async def play(user: User) -> list[Pair]:
    """All requests of one user, each answered without an error."""
    before = await user.get_patiently()
    assert before.status == 200, before.body
    pairs = []
    for _ in range(REQUESTS):
        (bounds,) = random.choices((SOON, NEAR, AT), SHARES)
        gap = random.uniform(*bounds)
        await asyncio.sleep(gap)
        after = await user.get()
        assert after.status == 200, (gap, after.body)
        pairs.append(Pair(before, after))
        before = after
    return pairs
