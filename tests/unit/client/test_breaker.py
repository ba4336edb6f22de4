"""While a Game's starts fail, one session is made every ten seconds."""

from __future__ import annotations

import pytest

from gamesession.api.errors import StartFailed
from gamesession.client.breaker import Breaker
from gamesession.plan.game import Game
from tests.unit.plan.objects import a_game, condition

WORDS = "The last start failed, ErrImagePull: No such image."


class Clock:
    def __init__(self) -> None:
        self.seconds = 100.0

    def __call__(self) -> float:
        return self.seconds


def game(status: str = "False", *, name: str = "chess", generation: int = 1) -> Game:
    said = condition("Ready", status, "Whatever", WORDS, generation=generation)
    return a_game(name, status={"conditions": [said]})


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def breaker(clock: Clock) -> Breaker:
    return Breaker(clock)


def made(breaker: Breaker, of: Game) -> bool:
    """Whether a session may be made; the reason why not is the operator's."""
    try:
        with breaker.turn(of):
            return True
    except StartFailed as error:
        assert error.message == WORDS
        return False


@pytest.mark.parametrize(
    "of",
    [game("True"), game("Unknown"), game(generation=0), a_game()],
    ids=["starts succeed", "nobody knows", "it was edited since", "nothing is said"],
)
def test_it_is_closed(breaker: Breaker, of: Game) -> None:
    assert [made(breaker, of) for _ in range(5)] == [True] * 5


def test_one_in_ten_seconds(breaker: Breaker, clock: Clock) -> None:
    assert [made(breaker, game()) for _ in range(3)] == [True, False, False]
    clock.seconds += 9.9
    assert not made(breaker, game())
    clock.seconds += 0.1
    assert [made(breaker, game()) for _ in range(2)] == [True, False]


def test_each_game_has_its_own(breaker: Breaker) -> None:
    assert made(breaker, game())
    assert made(breaker, game(name="draughts"))
    assert not made(breaker, game())


def test_a_creation_that_fails_costs_no_turn(breaker: Breaker) -> None:
    with pytest.raises(RuntimeError), breaker.turn(game()):
        raise RuntimeError("no answer")
    assert [made(breaker, game()) for _ in range(2)] == [True, False]


def test_the_first_ready_closes_it(breaker: Breaker) -> None:
    assert [made(breaker, game()) for _ in range(2)] == [True, False]
    assert [made(breaker, game("True")) for _ in range(3)] == [True] * 3
    assert made(breaker, game()), "what comes after that is another time"
