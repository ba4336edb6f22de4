"""Games run with as few rights as they can, and none reaches out of its pod."""

from __future__ import annotations

import json
from typing import Any

import pytest

from demo.target import GAMES, SYSTEM
from tests.cluster.errors import CommandError
from tests.e2e.arcade import SERVICES, Arcade, container, template
from tests.e2e.stack import Stack
from tests.integration.condition import condition

pytestmark = pytest.mark.e2e


async def test_a_template_that_says_nothing_makes_a_restricted_pod(
    arcade: Arcade, stack: Stack
) -> None:
    """As the process itself sees it: no root, no capabilities, no account, no other services."""
    labels = json.loads(stack.kubectl("get", "namespace", GAMES, "-o", "json"))["metadata"][
        "labels"
    ]
    assert labels["pod-security.kubernetes.io/enforce"] == "restricted"
    user = arcade.user("alice", await arcade.open())
    inside = (await user.get("/inside")).json
    assert inside["status"] == {
        "Uid": "65532",
        "CapEff": "0" * 16,
        "CapBnd": "0" * 16,
        "NoNewPrivs": "1",
        "Seccomp": "2",
    }
    assert inside["secrets"] == []
    environment = inside["environment"]
    assert environment["GAMESESSION_GAME"] == user.game
    assert environment["GAMESESSION_POD_UID"] == (await user.get()).pod
    assert not [name for name in environment if "REDIS" in name]
    assert "alice" not in str(environment)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"securityContext": {"privileged": True}}, "privileged"),
        ({"securityContext": {"capabilities": {"add": ["NET_ADMIN"]}}}, "NET_ADMIN"),
        ({"securityContext": {"runAsUser": 0, "runAsNonRoot": False}}, "runAsNonRoot"),
        ({"securityContext": {"allowPrivilegeEscalation": True}}, "allowPrivilegeEscalation"),
    ],
)
async def test_a_template_that_wants_more_is_not_accepted(
    arcade: Arcade, fields: dict[str, Any], words: str
) -> None:
    """The Game says why; a request is answered with the same words."""
    await refused(arcade, template({**container({}), **fields}), words)


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"hostNetwork": True}, "hostNetwork"),
        ({"hostPID": True}, "hostPID"),
        ({"nodeName": "gamesession"}, "nodeName"),
        ({"volumes": [{"name": "root", "hostPath": {"path": "/"}}]}, "hostPath"),
    ],
)
async def test_a_template_that_reaches_out_of_its_pod_is_not_accepted(
    arcade: Arcade, fields: dict[str, Any], words: str
) -> None:
    """Whatever the namespace would let it do."""
    await refused(arcade, template(container({}), **fields), words)


async def refused(arcade: Arcade, pods: dict[str, Any], words: str) -> None:
    """See that a Game is not accepted, with certain words, and that nothing of it starts."""
    game = await arcade.propose(services=SERVICES, template=pods)
    accepted = condition(arcade.ground.games[game], "Accepted")
    assert accepted is not None
    assert accepted["status"] == "False"
    assert words in accepted["message"]
    user = arcade.user("alice", game)
    answer = await user.get()
    assert (answer.status, answer.code) == (502, "start_failed")
    assert accepted["message"] in answer.message
    assert not arcade.ground.made_pods(arcade.session_of(user))


@pytest.mark.parametrize(
    ("component", "allowed", "denied"),
    [
        (
            "operator",
            {"create pods", "delete gamesessions.gamelibrary.io"},
            {"create gamesessions.gamelibrary.io", "delete games.gamelibrary.io"},
        ),
        (
            "gateway",
            {"create gamesessions.gamelibrary.io", "delete gamesessions.gamelibrary.io"},
            {"create pods", "delete pods", "patch games.gamelibrary.io"},
        ),
    ],
)
def test_components_have_the_rights_they_need_and_no_others(
    stack: Stack, component: str, allowed: set[str], denied: set[str]
) -> None:
    """In the namespace of the games; outside of it, and of secrets, none."""
    account = f"--as=system:serviceaccount:{SYSTEM}:gamesession-{component}"

    def may(right: str, namespace: str) -> bool:
        command = ("auth", "can-i", *right.split(), account, "-n", namespace, "--quiet")
        try:
            stack.kubectl(*command)
        except CommandError:
            return False
        return True

    denied = denied | {"get secrets", "list secrets", "create pods --subresource=exec", "get nodes"}
    for right in allowed:
        assert may(right, GAMES), right
        assert not may(right, SYSTEM), right
    for right in denied:
        assert not may(right, GAMES), right
