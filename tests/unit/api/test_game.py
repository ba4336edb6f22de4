"""Games as JSON has them, read and written."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from gamesession.api.game import Game, GameSpec, SessionPolicy

TEMPLATE = {"spec": {"containers": [{"name": "game", "image": "fortune-game"}]}}
SPEC: dict[str, Any] = {"services": [{"name": "game", "port": 8080}], "template": TEMPLATE}


def spec(**fields: Any) -> GameSpec:
    return GameSpec.model_validate({**SPEC, **fields})


def test_what_is_left_out_gets_the_defaults_of_the_contract() -> None:
    found = spec()

    assert (found.strip_prefix, found.forward_authorization, found.suspend) == (False, False, False)
    assert found.session.idle_timeout == timedelta(minutes=30)
    assert found.session.max_lifetime == timedelta(hours=24)
    assert found.session.start_timeout == timedelta(minutes=2)
    assert found.session.stream_activity == "Open"
    assert (found.limits.max_sessions, found.limits.max_pending) == (None, 100)
    assert found.warm_pool.size == 0
    assert (found.hooks.on_claim, found.hooks.on_close, found.fallback) == (None, None, None)


def test_on_close_may_take_ten_seconds_unless_it_says_otherwise() -> None:
    hook = spec(hooks={"onClose": {"service": "game", "path": "/save"}}).hooks.on_close

    assert hook is not None
    assert hook.timeout == timedelta(seconds=10)


@pytest.mark.parametrize(
    ("policy", "hours"),
    [
        ({}, 2),
        ({"idleTimeout": "5h"}, 5),
        ({"maxIdleTimeout": "1h"}, 1),
        ({"idleTimeout": "5h", "maxIdleTimeout": "6h"}, 6),
    ],
)
def test_the_longest_idle_timeout_is_two_hours_or_the_games_own(
    policy: dict[str, str], hours: int
) -> None:
    found = SessionPolicy.model_validate(policy)

    assert found.longest_idle_timeout == timedelta(hours=hours)


def test_the_route_is_the_name_unless_there_is_one() -> None:
    def route(**fields: Any) -> str:
        named = {"metadata": {"name": "fortune"}, "spec": {**SPEC, **fields}}
        return Game.model_validate(named).route

    assert route() == "fortune"
    assert route(route="luck") == "luck"


@pytest.mark.parametrize(
    ("services", "expected"),
    [
        ([{"name": "a", "port": 1}, {"name": "b", "port": 2}], {"/": "a"}),
        (
            [{"name": "a", "port": 1, "paths": ["/a"]}, {"name": "b", "port": 2, "paths": ["/b/"]}],
            {"/": "a", "/a": "a", "/b": "b"},
        ),
        (
            [{"name": "a", "port": 1}, {"name": "b", "port": 2, "paths": ["/"]}],
            {"/": "b"},
        ),
    ],
    ids=["no one names /", "by prefix, without trailing slashes", "the second names /"],
)
def test_the_first_service_has_what_no_one_names(
    services: list[dict[str, Any]], expected: dict[str, str]
) -> None:
    assert spec(services=services).prefixes == expected


@pytest.mark.parametrize(
    ("fields", "place"),
    [
        ({"bogus": 1}, "bogus"),
        ({"session": {"idleTimeout": "soon"}}, "session.idleTimeout"),
        ({"session": {"idleTimeout": "1s"}}, "session.idleTimeout"),
        ({"session": {"maxIdleTimeout": "4s999ms"}}, "session.maxIdleTimeout"),
        ({"services": []}, "services"),
        ({"services": [{"name": "game", "port": 0}]}, "services.0.port"),
        ({"services": [{"name": "Game", "port": 1}]}, "services.0.name"),
        ({"route": "a.b"}, "route"),
        ({"limits": {"maxSessions": -1}}, "limits.maxSessions"),
        ({"template": "pod"}, "template"),
    ],
)
def test_an_error_names_the_field(fields: dict[str, Any], place: str) -> None:
    with pytest.raises(ValidationError) as caught:
        spec(**fields)

    assert place in [".".join(map(str, error["loc"])) for error in caught.value.errors()]


def test_is_written_as_it_was_read() -> None:
    written = {
        "route": "luck",
        "services": [{"name": "game", "port": 8080, "paths": ["/", "/live"]}],
        "stripPrefix": True,
        "forwardAuthorization": True,
        "suspend": True,
        "session": {
            "idleTimeout": "1m30s",
            "maxIdleTimeout": "1h",
            "maxLifetime": "0s",
            "startTimeout": "500ms",
            "streamActivity": "Traffic",
        },
        "limits": {"maxSessions": 5, "maxPending": 7},
        "warmPool": {"size": 2},
        "hooks": {
            "onClaim": {"service": "game", "path": "/claim"},
            "onClose": {"service": "game", "path": "/save", "timeout": "20s"},
        },
        "fallback": {"service": "help", "port": 80, "path": "/x", "onSlowStart": True},
        "template": TEMPLATE,
    }

    assert GameSpec.model_validate(written).to_object() == written


def test_an_object_of_a_newer_release_can_be_read_but_for_its_spec() -> None:
    game = {"metadata": {"name": "fortune", "managedFields": []}, "status": {"novelty": 1}}

    assert Game.model_validate({**game, "spec": SPEC}).metadata.name == "fortune"
