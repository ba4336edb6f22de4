"""From a GameSession to its own pod, for one and for many."""

from __future__ import annotations

import asyncio
from itertools import pairwise

import pytest

from gamesession.api.labels import (
    GAME_LABEL,
    ROLE_LABEL,
    SAFE_TO_EVICT_ANNOTATION,
    SESSION_LABEL,
    START_LABEL,
    TEMPLATE_HASH_LABEL,
)
from tests.integration.condition import seconds_between
from tests.integration.playground import Playground

pytestmark = pytest.mark.integration


async def test_a_session_gets_a_pod_and_says_where_it_is(shared: Playground) -> None:
    """Phase, pod, address of each service and all times stand in the status."""
    await shared.create_game("whole")
    name = await shared.create_session("alice", "whole")
    status = await shared.until_phase(name, "Ready")
    (pod,) = shared.pods_of(name)
    ip = pod["status"]["podIP"]
    assert status["podName"] == pod["metadata"]["name"]
    assert status["podUID"] == pod["metadata"]["uid"]
    assert status["podIP"] == ip
    assert status["services"] == {"game": f"{ip}:8080", "live": f"{ip}:9090"}
    assert status["startKind"] == "Cold"
    assert status.get("restarts", 0) == status.get("failures", 0) == 0
    assert status["observedGeneration"] == shared.sessions[name]["metadata"]["generation"]
    assert status["startedAt"] <= status["readyAt"] == status["lastActivity"]


async def test_a_pod_says_whose_it_is_but_names_no_user(shared: Playground) -> None:
    """Labels, annotation and owner lead from pod to session; no part of the user is in it."""
    await shared.create_game("labelled")
    name = await shared.create_session("someone@example.org", "labelled")
    await shared.until_phase(name, "Ready")
    (pod,) = shared.pods_of(name)
    meta = pod["metadata"]
    assert (
        meta["labels"].items()
        >= {
            GAME_LABEL: "labelled",
            SESSION_LABEL: name,
            ROLE_LABEL: "session",
            START_LABEL: "Cold",
        }.items()
    )
    assert meta["labels"][TEMPLATE_HASH_LABEL]
    assert meta["annotations"][SAFE_TO_EVICT_ANNOTATION] == "false"
    (owner,) = meta["ownerReferences"]
    assert owner["uid"] == shared.sessions[name]["metadata"]["uid"]
    assert owner["controller"] is True
    assert "blockOwnerDeletion" not in owner
    assert "someone" not in str(pod)


async def test_a_session_by_kubectl_is_adopted(shared: Playground) -> None:
    """One that came without labels and owner reference gets them, and works like any other."""
    made = await shared.create_game("adopting")
    await shared.apply_session("bob", "bob", "adopting")
    await shared.until_phase("bob", "Ready")
    meta = await shared.until(
        lambda: (
            shared.sessions["bob"]["metadata"]
            if "ownerReferences" in shared.sessions["bob"]["metadata"]
            else None
        )
    )
    assert meta["labels"] == {GAME_LABEL: "adopting", SESSION_LABEL: "bob"}
    (owner,) = meta["ownerReferences"]
    assert (owner["kind"], owner["uid"]) == ("Game", made["metadata"]["uid"])
    assert "controller" not in owner and "blockOwnerDeletion" not in owner


async def test_fifty_sessions_at_once_get_fifty_pods(shared: Playground) -> None:
    """Each has exactly one pod of its own, then and ever."""
    await shared.create_game("crowd")
    names = await asyncio.gather(
        *(shared.create_session(f"user-{number}", "crowd") for number in range(50))
    )
    ready = await asyncio.gather(*(shared.until_phase(name, "Ready") for name in names))
    assert len(set(names)) == 50
    for what in ("podUID", "podIP"):
        assert len({status[what] for status in ready}) == 50
    for name, status in zip(names, ready, strict=True):
        made = shared.made_pods(name)
        assert [pod["metadata"]["uid"] for pod in made] == [status["podUID"]]


async def test_the_counts_of_a_game_follow_its_sessions(shared: Playground) -> None:
    """They are right in the end, and not written more often than every five seconds."""
    await shared.create_game("counted")
    for number in range(4):
        await shared.create_session(f"user-{number}", "counted")
    await shared.create_session("user-0", "counted", name="second")
    await shared.until(
        lambda: (
            shared.games["counted"]["status"]["sessions"]
            == {"pending": 0, "starting": 0, "ready": 4, "failed": 1}
        )
    )
    changes = [
        change
        for change in shared.history["games"]
        if change.object["metadata"]["name"] == "counted"
    ]
    written = [
        new.at
        for old, new in pairwise(changes)
        if old.object.get("status") != new.object.get("status")
    ]
    gaps = [seconds_between(first, then) for first, then in pairwise(written)]
    assert gaps
    assert min(gaps) > 4.9
