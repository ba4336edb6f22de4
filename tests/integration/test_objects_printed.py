"""Games and GameSessions as `kubectl` finds, prints and explains them."""

from __future__ import annotations

import re

import pytest

from gamesession.kube.cluster import Cluster
from gamesession.kube.resources import GAMES, SESSIONS
from tests.cluster.controlplane import ControlPlane
from tests.cluster.errors import CommandError
from tests.eventually import eventually
from tests.integration.bodies import create, game, session, set_status

pytestmark = pytest.mark.integration


async def test_sessions_are_found_by_user_and_game(cluster: Cluster, namespace: str) -> None:
    await create(cluster, namespace, session("one"))
    await create(cluster, namespace, session("two", user="bob"))
    await create(cluster, namespace, session("three", game="luck"))

    found, _ = await cluster.list(
        SESSIONS, namespace, field_selector="spec.user=alice,spec.game=fortune"
    )

    assert [each["metadata"]["name"] for each in found] == ["one"]


def printed(control_plane: ControlPlane, *arguments: str) -> list[dict[str, str]]:
    """What `kubectl get` prints: each row by its columns, which begin where their names do."""
    head, *rows = control_plane.kubectl("get", *arguments).splitlines()
    names = list(re.finditer(r"\S+( \S+)*", head))
    ends = [*(name.start() for name in names[1:]), None]
    return [
        {name[0]: row[name.start() : end].strip() for name, end in zip(names, ends, strict=True)}
        for row in rows
    ]


CONDITION = {
    "status": "False",
    "message": "words",
    "lastTransitionTime": "2026-01-31T12:00:00Z",
}


async def test_games_are_printed_as_in_the_contract(
    control_plane: ControlPlane, cluster: Cluster, namespace: str
) -> None:
    await create(cluster, namespace, game(session={"idleTimeout": "10m"}))
    status = {
        "route": "luck",
        "sessions": {"ready": 3, "pending": 1},
        "warm": {"ready": 2},
        "conditions": [{**CONDITION, "type": "Accepted", "reason": "RouteConflict"}],
    }
    body = {"status": status}
    await cluster.merge_patch(GAMES, namespace, "fortune", body, subresource="status")

    [row] = printed(control_plane, "games", "-n", namespace)

    assert row.pop("AGE")
    assert row == {
        "NAME": "fortune",
        "ROUTE": "luck",
        "READY": "3",
        "WARM": "2",
        "IDLE TIMEOUT": "10m",
        "ACCEPTED": "False",
    }


async def test_sessions_are_printed_as_in_the_contract(
    control_plane: ControlPlane, cluster: Cluster, namespace: str
) -> None:
    await create(cluster, namespace, session())
    await set_status(
        cluster,
        namespace,
        phase="Starting",
        startKind="Cold",
        lastActivity="2026-01-31T12:00:00.000001Z",
        podName="alices-0a1b2-1",
        podIP="10.0.0.1",
        conditions=[{**CONDITION, "type": "Ready", "reason": "ImagePull"}],
    )

    [narrow] = printed(control_plane, "gs", "-n", namespace)
    [wide] = printed(control_plane, "gs", "-n", namespace, "-o", "wide")

    names = ["NAME", "USER", "GAME", "PHASE", "START", "LAST ACTIVITY", "AGE"]
    assert list(narrow) == names
    assert [narrow[name] for name in names[:5]] == [
        "alices",
        "alice",
        "fortune",
        "Starting",
        "Cold",
    ]
    assert narrow["LAST ACTIVITY"].endswith(("d", "y", "h"))
    assert list(wide) == [*names, "POD", "IP", "REASON"]
    assert (wide["POD"], wide["IP"], wide["REASON"]) == ("alices-0a1b2-1", "10.0.0.1", "ImagePull")


async def test_the_category_holds_sessions(
    control_plane: ControlPlane, cluster: Cluster, namespace: str
) -> None:
    await create(cluster, namespace, session())

    listed = control_plane.kubectl("get", "gamelibrary", "-n", namespace, "-o", "name")

    assert listed.split() == ["gamesession.gamelibrary.io/alices"]


@pytest.mark.parametrize(
    ("field", "words"),
    [
        ("games", "The catalogue entry of one game"),
        ("games.spec.session.idleTimeout", "Default: 30m."),
        ("games.spec.template", "a PodTemplateSpec"),
        ("gamesessions", "One user of one game."),
        ("gamesessions.spec.user", "1 to 253 characters"),
        ("gamesessions.status.phase", "ENUM: Pending Starting Ready Failed"),
        ("gamesessions.status.conditions.lastTransitionTime", "When status last changed."),
    ],
)
async def test_kubectl_explains(control_plane: ControlPlane, field: str, words: str) -> None:
    async def explained() -> str | None:
        try:
            return " ".join(control_plane.kubectl("explain", field).split())
        except CommandError:
            return None  # the API server publishes a new kind's schema a moment later

    assert words in await eventually(explained)
