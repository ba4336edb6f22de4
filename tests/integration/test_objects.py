"""Games and GameSessions: what a real API server refuses, takes, and fills in."""

from __future__ import annotations

from typing import Any

import pytest

from gamesession.api.game import GameSpec
from gamesession.kube.cluster import Cluster, Object
from gamesession.kube.errors import Invalid
from gamesession.kube.resources import SESSIONS
from tests.integration.bodies import SERVICES, TEMPLATE, create, game, session

pytestmark = pytest.mark.integration

REFUSED_GAMES: list[tuple[str, dict[str, Any], str]] = [
    ("spec.services[1]", {"services": [SERVICES[0]] * 2}, "Duplicate value"),
    ("spec.services", {"services": []}, "at least 1 items"),
    ("spec.services", {"services": None}, "Required value"),
    ("spec.services", {"services": [{"name": f"s{n}", "port": 1} for n in range(9)]}, "at most 8"),
    ("spec.services[0].port", {"services": [{"name": "a", "port": 0}]}, "greater than or equal"),
    ("spec.services[0].port", {"services": [{"name": "a", "port": 65536}]}, "less than or equal"),
    ("spec.services[0].port", {"services": [{"name": "a"}]}, "Required value"),
    ("spec.services[0].name", {"services": [{"name": "Game", "port": 1}]}, "should match"),
    ("spec.services[0].name", {"services": [{"name": "a" * 32, "port": 1}]}, "Too long"),
    ("spec.route", {"route": "a/b"}, "should match"),
    ("spec.template", {"template": None}, "Required value"),
    ("spec.limits.maxSessions", {"limits": {"maxSessions": -1}}, "greater than or equal"),
    ("spec.warmPool.size", {"warmPool": {"size": "many"}}, "must be of type integer"),
    ("spec.session.streamActivity", {"session": {"streamActivity": "Never"}}, '"Open", "Traffic"'),
]
REFUSED_DURATIONS: list[tuple[str, dict[str, Any], str]] = [
    ("spec.session.idleTimeout", {"session": {"idleTimeout": "soon"}}, "should match"),
    ("spec.session.idleTimeout", {"session": {"idleTimeout": "1s"}}, "must be at least 5s"),
    ("spec.session.idleTimeout", {"session": {"idleTimeout": "4999ms"}}, "must be at least 5s"),
    ("spec.session.idleTimeout", {"session": {"idleTimeout": "1000000h"}}, "is too long"),
    ("spec.session.idleTimeout", {"session": {"idleTimeout": "1s" * 11}}, "Too long"),
    ("spec.session.maxIdleTimeout", {"session": {"maxIdleTimeout": "1s"}}, "must be at least 5s"),
    ("spec.session.maxIdleTimeout", {"session": {"maxIdleTimeout": "20m"}}, "at least idleTimeout"),
    ("spec.session.maxLifetime", {"session": {"maxLifetime": "-1s"}}, "should match"),
    ("spec.session.startTimeout", {"session": {"startTimeout": "0s"}}, "must be at least 1s"),
    (
        "spec.hooks.onClose.timeout",
        {"hooks": {"onClose": {"service": "game", "path": "/", "timeout": "1.5s"}}},
        "should match",
    ),
]
REFUSED_REFERENCES: list[tuple[str, dict[str, Any], str]] = [
    (
        f"spec.hooks.{hook}.service",
        {"hooks": {hook: {"service": "luck", "path": "/"}}},
        "must be the name of one of spec.services",
    )
    for hook in ("onClaim", "onClose")
] + [
    ("spec.fallback", {"fallback": {}}, "exactly one of url and service"),
    (
        "spec.fallback",
        {"fallback": {"url": "http://a", "service": "b", "port": 1}},
        "exactly one of url and service",
    ),
    ("spec.fallback", {"fallback": {"service": "b"}}, "service and port belong together"),
    ("spec.fallback", {"fallback": {"url": "http://a", "port": 1}}, "belong together"),
    ("spec.fallback.path", {"fallback": {"url": "http://a", "path": "/b"}}, "belongs to service"),
    ("spec.fallback.url", {"fallback": {"url": "ftp://a"}}, "should match"),
]
REFUSED_PATHS: list[tuple[str, list[list[str]], str]] = [
    ("spec.services[0].paths[0]", [["/session"]], "must not lie below /session"),
    ("spec.services[1].paths[0]", [[], ["/session/x"]], "must not lie below /session"),
    ("spec.services[0].paths[0]", [["a"]], "should match"),
    ("spec.services[0].paths[0]", [["//a"]], "should match"),
    ("spec.services[0].paths[0]", [["/a?b"]], "should match"),
    ("spec.services[0].paths[0]", [[""]], "at least 1 chars"),
    ("spec.services[0].paths[1]", [["/a", "/a/../b"]], "must not hold dot segments"),
    ("spec.services[0].paths[0]", [["/."]], "must not hold dot segments"),
    ("spec.services", [["/a", "/a"]], "paths must be unique"),
    ("spec.services", [["/a"], ["/a"]], "paths must be unique"),
    ("spec.services", [["/a"], ["/a/"]], "paths must be unique"),
    ("spec.services", [["/"], ["/"]], "paths must be unique"),
]
REFUSED_SESSIONS: list[tuple[str, dict[str, Any], str]] = [
    ("spec.user", {"user": ""}, "at least 1 chars"),
    ("spec.user", {"user": None}, "Required value"),
    ("spec.user", {"user": "a\nb"}, "should match"),
    ("spec.user", {"user": "a\x00b"}, "should match"),
    ("spec.user", {"user": "a\x7f"}, "should match"),
    ("spec.user", {"user": "a\x85b"}, "should match"),
    ("spec.user", {"user": "ü" * 254}, "Too long"),
    ("spec.game", {"game": None}, "Required value"),
    ("spec.game", {"game": "g" * 41}, "Too long"),
    ("spec.idleTimeout", {"idleTimeout": "soon"}, "should match"),
    ("spec.idleTimeout", {"idleTimeout": "1s"}, "must be at least 5s"),
]


async def refused(cluster: Cluster, namespace: str, body: Object) -> str:
    with pytest.raises(Invalid) as caught:
        await create(cluster, namespace, body)
    return caught.value.message


@pytest.mark.parametrize(
    ("field", "spec", "words"), REFUSED_GAMES + REFUSED_DURATIONS + REFUSED_REFERENCES
)
async def test_a_wrong_game_is_refused_by_field(
    cluster: Cluster, namespace: str, field: str, spec: dict[str, Any], words: str
) -> None:
    message = await refused(cluster, namespace, game(**spec))

    assert f"{field}: " in message
    assert words in message


@pytest.mark.parametrize(("field", "paths", "words"), REFUSED_PATHS)
async def test_a_wrong_path_is_refused_by_field(
    cluster: Cluster, namespace: str, field: str, paths: list[list[str]], words: str
) -> None:
    services = [{"name": f"s{n}", "port": 1, "paths": each} for n, each in enumerate(paths)]

    message = await refused(cluster, namespace, game(services=services))

    assert f"{field}: " in message
    assert words in message


@pytest.mark.parametrize("name", ["g" * 41, "for.tune"])
async def test_the_name_of_a_game_is_a_short_dns_label(
    cluster: Cluster, namespace: str, name: str
) -> None:
    message = await refused(cluster, namespace, game(name))

    assert "metadata.name of a Game must be a DNS label of at most 40 characters" in message


@pytest.mark.parametrize(("field", "spec", "words"), REFUSED_SESSIONS)
async def test_a_wrong_session_is_refused_by_field(
    cluster: Cluster, namespace: str, field: str, spec: dict[str, Any], words: str
) -> None:
    message = await refused(cluster, namespace, session(**spec))

    assert f"{field}: " in message
    assert words in message


async def test_the_name_of_a_session_has_at_most_63_characters(
    cluster: Cluster, namespace: str
) -> None:
    await create(cluster, namespace, session("s" * 63))

    message = await refused(cluster, namespace, session("s" * 64))

    assert "metadata.name of a GameSession must have at most 63 characters" in message


@pytest.mark.parametrize("body", [game(bogus=1), session(bogus=1)], ids=["Game", "GameSession"])
async def test_an_unknown_field_is_refused(cluster: Cluster, namespace: str, body: Object) -> None:
    assert 'unknown field "spec.bogus"' in await refused(cluster, namespace, body)


async def test_an_unknown_field_is_refused_however_deep(cluster: Cluster, namespace: str) -> None:
    body = game(session={"idelTimeout": "30m"})

    message = await refused(cluster, namespace, body)

    assert 'unknown field "spec.session.idelTimeout"' in message


@pytest.mark.parametrize(("field", "value"), [("user", "bob"), ("game", "luck")])
async def test_user_and_game_of_a_session_cannot_be_changed(
    cluster: Cluster, namespace: str, field: str, value: str
) -> None:
    await create(cluster, namespace, session())

    with pytest.raises(Invalid) as caught:
        await cluster.merge_patch(SESSIONS, namespace, "alices", {"spec": {field: value}})

    assert f"spec.{field}: " in caught.value.message
    assert f"{field} cannot be changed: delete this session" in caught.value.message


async def test_the_idle_timeout_of_a_session_can_be_changed(
    cluster: Cluster, namespace: str
) -> None:
    await create(cluster, namespace, session())

    answer = await cluster.merge_patch(
        SESSIONS, namespace, "alices", {"spec": {"idleTimeout": "1h30m"}}
    )

    assert answer["spec"]["idleTimeout"] == "1h30m"


# Taken ------------------------------------------------------------------------------------------


async def test_a_game_that_says_little_gets_the_defaults(cluster: Cluster, namespace: str) -> None:
    answer = await create(cluster, namespace, game())

    assert answer["spec"] == {
        "services": [{**service, "paths": []} for service in SERVICES],
        "stripPrefix": False,
        "forwardAuthorization": False,
        "suspend": False,
        "session": {
            "idleTimeout": "30m",
            "maxLifetime": "24h",
            "startTimeout": "2m",
            "streamActivity": "Open",
        },
        "limits": {"maxPending": 100},
        "warmPool": {"size": 0},
        "template": TEMPLATE,
    }
    assert GameSpec.model_validate(answer["spec"]) == GameSpec.model_validate(game()["spec"])


async def test_a_game_that_says_everything_is_taken_as_it_is(
    cluster: Cluster, namespace: str
) -> None:
    spec = {
        "route": "luck",
        "services": [
            {"name": "game", "port": 8080, "paths": ["/", "/chat"]},
            {"name": "live_service", "port": 9090, "paths": ["/chat/live/", "/sessions"]},
        ],
        "stripPrefix": True,
        "forwardAuthorization": True,
        "suspend": True,
        "session": {
            "idleTimeout": "3h",
            "maxIdleTimeout": "180m",
            "maxLifetime": "0s",
            "startTimeout": "1s",
            "streamActivity": "Traffic",
        },
        "limits": {"maxSessions": 0, "maxPending": 0},
        "warmPool": {"size": 3},
        "hooks": {
            "onClaim": {"service": "game", "path": "/claim"},
            "onClose": {"service": "live_service", "path": "/save?all=1", "timeout": "0s"},
        },
        "fallback": {"service": "help", "port": 80, "path": "/x", "onSlowStart": True},
        "template": {"spec": {"containers": [{"name": "a", "anything": {"goes": [1, None]}}]}},
    }

    answer = await create(cluster, namespace, game("a" * 40, **spec))

    assert answer["spec"] == spec


async def test_the_rules_have_budget_for_the_largest_game(cluster: Cluster, namespace: str) -> None:
    services = [
        {"name": f"s{n}", "port": 1, "paths": [f"/{'x' * 195}{n:02}{m:02}" for m in range(16)]}
        for n in range(8)
    ]

    answer = await create(cluster, namespace, game(services=services))

    assert answer["spec"]["services"] == services


@pytest.mark.parametrize(
    "user", ["a", " ", "ü" * 253, "🎲" * 253, "a/b c%2F", "e\u0301", '{"$(x)"}', "\u2028"]
)
async def test_a_user_comes_back_as_it_was_written(
    cluster: Cluster, namespace: str, user: str
) -> None:
    answer = await create(cluster, namespace, session(user=user))

    assert answer["spec"]["user"] == user
