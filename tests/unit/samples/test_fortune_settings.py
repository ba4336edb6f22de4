"""What the environment may say, and what it may not."""

from __future__ import annotations

import pytest
from fortune_game.settings import BadSetting, Settings


def test_an_empty_environment_gives_the_ports_of_the_game() -> None:
    assert Settings.from_environment({}) == Settings(
        pod_uid=None, game=None, redis_url=None, save_delay=0, agent_port=8001, live_port=8002
    )


def test_what_the_operator_and_the_game_set_is_read() -> None:
    environment = {
        "GAMESESSION_POD_UID": "uid",
        "GAMESESSION_GAME": "fortune-game",
        "REDIS_URL": "redis://10.0.0.1:6379/0",
        "FORTUNE_SAVE_DELAY": "2.5",
        "FORTUNE_AGENT_PORT": "9001",
        "FORTUNE_LIVE_PORT": "9002",
    }
    assert Settings.from_environment(environment) == Settings(
        "uid", "fortune-game", "redis://10.0.0.1:6379/0", 2.5, 9001, 9002
    )


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *[("FORTUNE_SAVE_DELAY", value) for value in ("soon", "-1", "nan", "inf", "1s")],
        *[("FORTUNE_AGENT_PORT", value) for value in ("0", "65536", "-1", "http", "²")],
        ("FORTUNE_LIVE_PORT", "8002.0"),
    ],
)
def test_a_bad_value_is_refused_with_the_name_of_its_variable(name: str, value: str) -> None:
    with pytest.raises(BadSetting, match=f"^{name}: .*{value}"):
        Settings.from_environment({name: value})
