"""Kubernetes Events: what is posted."""

from __future__ import annotations

from typing import Any

import kmock as km
import pytest

from gamesession.api.instant import parse_instant
from gamesession.kube.cluster import Cluster
from gamesession.kube.errors import Forbidden
from gamesession.kube.events import MAX_NOTE_BYTES, post_event
from tests.unit.plan.objects import Object, session

Server = km.KubernetesScaffold


async def post(cluster: Cluster, regarding: Object | None = None, note: str = "Because.") -> None:
    await post_event(
        cluster,
        regarding=regarding or session(),
        reason="IdleTimeout",
        action="End",
        note=note,
        reporting_controller="gamelibrary.io/operator",
    )


def posted(kmock: Server) -> dict[str, Any]:
    [request] = list(kmock)
    found: dict[str, Any] = request.data
    return found


async def test_an_event_is_about_one_life_of_one_object(kmock: Server, cluster: Cluster) -> None:
    kmock["post /apis/events.k8s.io/v1/namespaces/games/events"] << 201 << {}
    await post(cluster)
    found = posted(kmock)
    about = session()["metadata"]
    assert found["regarding"]["uid"] == about["uid"]
    assert found["regarding"]["kind"] == "GameSession"
    assert (found["reason"], found["action"], found["note"]) == ("IdleTimeout", "End", "Because.")
    assert found["type"] == "Normal"
    assert found["reportingController"] == "gamelibrary.io/operator"
    assert found["reportingInstance"]
    parse_instant(found["eventTime"])


async def test_each_has_a_name_of_its_own(kmock: Server, cluster: Cluster) -> None:
    kmock["post"] << 201 << {}
    for _ in range(2):
        await post(cluster)
    first, second = (each.data["metadata"]["name"] for each in kmock)
    assert first != second
    assert first.startswith(f"{session()['metadata']['name']}.")


async def test_long_names_leave_room_for_what_makes_it_unique(
    kmock: Server, cluster: Cluster
) -> None:
    kmock["post"] << 201 << {}
    named = session(name="x" * 253)
    await post(cluster, named)
    assert len(posted(kmock)["metadata"]["name"]) == 253


async def test_what_is_of_no_namespace_is_told_in_default(kmock: Server, cluster: Cluster) -> None:
    kmock["post /apis/events.k8s.io/v1/namespaces/default/events"] << 201 << {}
    everywhere = session()
    del everywhere["metadata"]["namespace"]
    await post(cluster, everywhere)
    assert posted(kmock)["metadata"]["namespace"] == "default"


@pytest.mark.parametrize("note", ["x" * 5000, "é" * 5000, "\ud800"])
async def test_a_note_is_cut_to_what_the_api_server_takes(
    kmock: Server, cluster: Cluster, note: str
) -> None:
    kmock["post"] << 201 << {}
    await post(cluster, note=note)
    assert 0 < len(posted(kmock)["note"].encode()) <= MAX_NOTE_BYTES


async def test_a_refusal_is_told(kmock: Server, cluster: Cluster) -> None:
    kmock["post"] << 403 << {"reason": "Forbidden"}
    with pytest.raises(Forbidden):
        await post(cluster)
