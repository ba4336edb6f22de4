"""A Game as the operator reads it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from gamesession.plan.game import Acceptance, Game
from tests.unit.plan.objects import a_game, condition, game, with_on_close


def test_what_it_leaves_out_has_the_contracts_defaults() -> None:
    found = a_game()
    assert found.route == "chess"
    assert found.idle_timeout == timedelta(minutes=30)
    assert found.max_idle_timeout == timedelta(hours=2)
    assert found.max_lifetime == timedelta(hours=24)
    assert found.start_timeout == timedelta(minutes=2)
    assert found.max_sessions is None
    assert found.on_close is None
    assert not found.suspended


def test_what_it_says_is_read() -> None:
    found = a_game(
        route="play",
        suspend=True,
        session={"idleTimeout": "3h", "maxLifetime": "0s", "startTimeout": "20s"},
        limits={"maxSessions": 3},
        services=[{"name": "web", "port": 80}, {"name": "agent", "port": 8001}],
        **with_on_close("7s"),
    )
    assert found.route == "play"
    assert found.suspended
    assert found.max_idle_timeout == timedelta(hours=3), "no lower than the idle timeout"
    assert found.max_lifetime is None, "0s: a life without end"
    assert found.start_timeout == timedelta(seconds=20)
    assert found.max_sessions == 3
    assert list(found.ports.items()) == [("web", 80), ("agent", 8001)]
    assert found.on_close == timedelta(seconds=7)


@pytest.mark.parametrize(
    ("conditions", "expected"),
    [
        ([], Acceptance.UNKNOWN),
        ([condition("Accepted", "True", "Accepted")], Acceptance.TRUE),
        ([condition("Accepted", "False", "TemplateInvalid")], Acceptance.FALSE),
        ([condition("Ready", "True", "StartsSucceed")], Acceptance.UNKNOWN),
        ([condition("Accepted", "True", "Accepted", generation=0)], Acceptance.UNKNOWN),
    ],
)
def test_only_what_its_status_says_of_this_generation_counts(
    conditions: list[dict[str, object]], expected: Acceptance
) -> None:
    assert a_game(status={"conditions": conditions}).accepted is expected


def test_a_game_that_an_older_crd_let_in_is_an_error_and_no_guess() -> None:
    with pytest.raises(ValueError, match="port"):
        Game.from_object(game(services=[{"name": "agent", "port": 0}]))
