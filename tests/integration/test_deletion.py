"""Deletions by hand, and what goes with what was deleted."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from gamesession.kube.resources import GAMES, SESSIONS
from tests.cluster.controlplane import ControlPlane
from tests.integration.playground import Playground

pytestmark = pytest.mark.integration

COLLECTOR = "kube-controller-manager"


@pytest.fixture
def slow_collector(control_plane: ControlPlane) -> Iterator[ControlPlane]:
    """Kubernetes' garbage collector stands still until the test lets it go on."""
    control_plane.pause(COLLECTOR)
    yield control_plane
    control_plane.resume(COLLECTOR)


async def test_deleting_a_session_deletes_its_pod(shared: Playground) -> None:
    """By Kubernetes' own collector; and the next life is a new one."""
    await shared.create_game("ending")
    name = await shared.create_session("alice", "ending")
    before = await shared.until_phase(name, "Ready")
    await shared.delete(SESSIONS, name)
    await shared.create_session("alice", "ending")
    after = await shared.until_phase(name, "Ready")
    assert after["podUID"] != before["podUID"]
    await shared.until(lambda: before["podName"] not in shared.pods)
    assert len(shared.pods_of(name)) == 1


async def test_deleting_a_game_deletes_its_sessions(shared: Playground) -> None:
    """All of them and their pods, also those that kubectl made; nothing holds the Game back."""
    await shared.create_game("over")
    names = [await shared.create_session(f"user-{number}", "over") for number in range(3)]
    await shared.apply_session("by-hand", "someone", "over")
    for name in [*names, "by-hand"]:
        await shared.until_phase(name, "Ready")
    await shared.until(lambda: "ownerReferences" in shared.sessions["by-hand"]["metadata"])
    await shared.delete(GAMES, "over")
    await shared.until(lambda: "over" not in shared.games)
    for name in [*names, "by-hand"]:
        await shared.until_gone(name)
        await shared.until_podless(name)


async def test_a_game_made_anew_does_not_keep_the_sessions_of_the_old(
    shared: Playground, slow_collector: ControlPlane
) -> None:
    """Deleting a Game deletes its sessions, however soon there is another of that name."""
    await shared.create_game("renewed")
    name = await shared.create_session("alice", "renewed")
    await shared.until_phase(name, "Ready")
    uid = shared.sessions[name]["metadata"]["uid"]
    await shared.delete(GAMES, "renewed")
    await shared.until(lambda: "renewed" not in shared.games)
    await shared.create_game("renewed")
    other = await shared.create_session("bob", "renewed")
    await shared.until_phase(other, "Ready")
    slow_collector.resume(COLLECTOR)
    await shared.until(lambda: shared.uid_of(name) != uid)
    await shared.create_session("alice", "renewed")
    await shared.until_phase(name, "Ready")
    await shared.until(lambda: len(shared.pods_of(name)) == 1)
    assert shared.status(other)["phase"] == "Ready"
