"""How often a life asks for its user's past."""

from __future__ import annotations

import asyncio

from fortune_game.identity import Identity
from fortune_game.life import Life
from fortune_game.past import Past, PastStore, PastUnavailable


class Store(PastStore):
    """Answers the loads of a user one after the other from a list; None is a Redis that is away."""

    def __init__(self, *answers: Past | None) -> None:
        super().__init__(None)
        self.answers = [*answers]

    async def load(self, user: str) -> Past:
        await asyncio.sleep(0)
        answer = self.answers.pop(0)
        if answer is None:
            raise PastUnavailable("away")
        return answer


def life_of_alice(store: Store, load_again_after: float = 3600) -> Life:
    life = Life(store, load_again_after=load_again_after)
    life.admit(Identity("alice", None, None, None))
    return life


async def test_however_many_ask_at_once_and_later_redis_is_asked_once() -> None:
    store = Store(Past(1), Past(2))
    life = life_of_alice(store)
    assert await asyncio.gather(*(life.past() for _ in range(20))) == [Past(1)] * 20
    assert await life.past() == Past(1)
    assert store.answers == [Past(2)]


async def test_with_redis_away_one_asks_and_the_others_go_on_without() -> None:
    store = Store(None, Past(2))
    life = life_of_alice(store)
    assert await asyncio.gather(*(life.past() for _ in range(20))) == [None] * 20
    assert await life.past() is None
    assert store.answers == [Past(2)]


async def test_after_a_while_an_unknown_past_is_asked_for_again() -> None:
    life = life_of_alice(Store(None, Past(2)), load_again_after=0)
    assert await life.past() is None
    assert await life.past() == Past(2)


async def test_nobody_has_no_past() -> None:
    assert await Life(Store()).past() is None
