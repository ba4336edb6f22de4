"""The status of a GameSession: first writes, and activity that moves forward only."""

from __future__ import annotations

from typing import Any

import pytest

from gamesession.kube.cluster import Cluster
from gamesession.kube.errors import Invalid
from gamesession.kube.resources import SESSIONS
from tests.integration.bodies import NOBODY, create, session, set_status

pytestmark = pytest.mark.integration

EARLY, LATER = "2026-01-31T12:00:00.000001Z", "2026-01-31T12:00:00.000002Z"


async def test_a_session_nobody_has_looked_at_is_pending(cluster: Cluster, namespace: str) -> None:
    body = session() | {"status": {"phase": "Ready", "podIP": "10.0.0.1"}}

    answer = await create(cluster, namespace, body)

    assert answer["status"] == {"phase": "Pending"}


async def test_activity_can_be_told_before_anything_else_was(
    cluster: Cluster, namespace: str
) -> None:
    """By the JSON Patch of a gateway that was faster than the operator."""
    uid = (await create(cluster, namespace, session()))["metadata"]["uid"]

    answer = await cluster.json_patch(
        SESSIONS,
        namespace,
        "alices",
        [
            {"op": "test", "path": "/metadata/uid", "value": uid},
            {"op": "add", "path": "/status/lastActivity", "value": EARLY},
        ],
        subresource="status",
    )

    assert answer["status"] == {"phase": "Pending", "lastActivity": EARLY}


async def test_activity_of_another_life_is_not_written(cluster: Cluster, namespace: str) -> None:
    await create(cluster, namespace, session())

    with pytest.raises(Invalid):
        await cluster.json_patch(
            SESSIONS,
            namespace,
            "alices",
            [
                {"op": "test", "path": "/metadata/uid", "value": NOBODY},
                {"op": "add", "path": "/status/lastActivity", "value": EARLY},
            ],
            subresource="status",
        )

    assert "lastActivity" not in (await cluster.get(SESSIONS, namespace, "alices"))["status"]


async def test_activity_moves_forward_by_a_microsecond(cluster: Cluster, namespace: str) -> None:
    await create(cluster, namespace, session())
    await set_status(cluster, namespace, lastActivity=EARLY)

    answer = await set_status(cluster, namespace, lastActivity=LATER)

    assert answer["status"]["lastActivity"] == LATER


@pytest.mark.parametrize(
    "earlier", [EARLY, "2026-01-31T11:59:59Z", "2026-01-31T12:30:00.000001+00:30"]
)
async def test_activity_moves_forward_only(cluster: Cluster, namespace: str, earlier: str) -> None:
    await create(cluster, namespace, session())
    await set_status(cluster, namespace, lastActivity=LATER)

    with pytest.raises(Invalid) as caught:
        await set_status(cluster, namespace, lastActivity=earlier)

    assert "status.lastActivity: " in caught.value.message
    assert "moves forward only" in caught.value.message


async def test_the_same_activity_may_be_told_again(cluster: Cluster, namespace: str) -> None:
    await create(cluster, namespace, session())
    await set_status(cluster, namespace, lastActivity=LATER)

    answer = await set_status(cluster, namespace, lastActivity=LATER, phase="Starting")

    assert answer["status"] == {"lastActivity": LATER, "phase": "Starting"}


@pytest.mark.parametrize("gone", [{"lastActivity": None}, None], ids=["the field", "the status"])
async def test_activity_cannot_be_removed(cluster: Cluster, namespace: str, gone: Any) -> None:
    await create(cluster, namespace, session())
    await set_status(cluster, namespace, lastActivity=LATER)

    with pytest.raises(Invalid, match="lastActivity cannot be removed"):
        await cluster.merge_patch(
            SESSIONS, namespace, "alices", {"status": gone}, subresource="status"
        )


@pytest.mark.parametrize(
    "time",
    [
        "soon",
        "2026-01-31T12:00:00",
        "2026-01-31t12:00:00z",
        "2026-02-30T12:00:00Z",
        "2026-01-31T12:00:00+99:99",
        "9999-12-31T23:59:59-23:59",
    ],
)
@pytest.mark.parametrize("field", ["lastActivity", "readyAt"])
async def test_a_time_that_nobody_could_read_again_is_refused(
    cluster: Cluster, namespace: str, field: str, time: str
) -> None:
    await create(cluster, namespace, session())

    with pytest.raises(Invalid) as caught:
        await set_status(cluster, namespace, **{field: time})

    assert f"status.{field}: " in caught.value.message


async def test_a_write_of_the_object_leaves_its_status_alone(
    cluster: Cluster, namespace: str
) -> None:
    await create(cluster, namespace, session())
    await set_status(cluster, namespace, lastActivity=LATER, phase="Ready")

    answer = await cluster.merge_patch(
        SESSIONS, namespace, "alices", {"metadata": {"labels": {"a": "b"}}, "status": None}
    )

    assert answer["status"] == {"lastActivity": LATER, "phase": "Ready"}
