"""A session closed and asked for again, while the pod of the life before still saves its state."""

from __future__ import annotations

import asyncio

import pytest

from gamesession.kube.cluster import Object
from gamesession.kube.resources import GAMES, PODS, SESSIONS
from tests.integration.condition import condition, reason, seconds_between
from tests.integration.operator_process import OperatorProcess
from tests.integration.playground import Playground

pytestmark = pytest.mark.integration

HOLD = ["test.gamelibrary.io/hold"]


def saving(timeout: str) -> Object:
    """Hooks of a Game whose pods save their state when they are closed."""
    return {"onClose": {"service": "game", "path": "/save", "timeout": timeout}}


async def hold(playground: Playground, pod: str, finalizers: list[str]) -> None:
    """Let a pod that is deleted stay for as long as it has finalizers, as a slow preStop would."""
    body = {"metadata": {"finalizers": finalizers}}
    await playground.cluster.merge_patch(PODS, playground.namespace, pod, body)


async def close_and_open(playground: Playground, game: str) -> tuple[str, str]:
    """End a session whose pod takes its time, and create the next; returns name and old pod."""
    name = await playground.create_session("alice", game)
    pod = (await playground.until_phase(name, "Ready"))["podName"]
    await hold(playground, pod, HOLD)
    await playground.delete(SESSIONS, name)
    await playground.until_gone(name)
    await playground.create_session("alice", game)
    return name, pod


async def test_the_next_life_starts_when_the_old_pod_is_gone(shared: Playground) -> None:
    """Not before, and then at once; meanwhile it says what it waits for."""
    await shared.create_game("saving", hooks=saving("30s"))
    name, old = await close_and_open(shared, "saving")
    status = await shared.until_told(name)
    assert (status["phase"], reason(status)) == ("Pending", "PreviousPodClosing")
    await asyncio.sleep(2)
    assert [pod["metadata"]["name"] for pod in shared.made_in_game("saving")] == [old]
    await hold(shared, old, [])
    status = await shared.until_phase(name, "Ready")
    gone, (_, made) = shared.deleted_at(PODS, old), shared.made_in_game("saving")
    assert gone is not None
    assert made["metadata"]["name"] == status["podName"] != old
    assert shared.made_at(PODS, status["podName"]) >= gone


async def test_the_next_life_waits_no_longer_than_the_hook_may_take(shared: Playground) -> None:
    """An old pod that does not go does not hold it for ever."""
    await shared.create_game("stuck", hooks=saving("3s"))
    name, old = await close_and_open(shared, "stuck")
    status = await shared.until_phase(name, "Ready")
    assert status["podName"] != old
    deleted = shared.pods[old]["metadata"]["deletionTimestamp"]
    assert 3 <= seconds_between(deleted, status["readyAt"]) < 6
    await hold(shared, old, [])


async def test_a_restart_does_not_forget_who_still_saves(
    playground: Playground, operator: OperatorProcess
) -> None:
    """The old pod says itself whose it was."""
    await operator.ready()
    await playground.create_game("saving", hooks=saving("30s"))
    name, old = await close_and_open(playground, "saving")
    assert reason(await playground.until_told(name)) == "PreviousPodClosing"
    operator.kill()
    operator.start()
    await operator.ready()
    await asyncio.sleep(2)
    assert len(playground.made_in_game("saving")) == 1
    await hold(playground, old, [])
    await playground.until_phase(name, "Ready")


async def test_a_lost_pod_that_still_saves_is_waited_for(shared: Playground) -> None:
    """Also within one life: the pod after it would not find what it has yet to save."""
    await shared.create_game("losing", hooks=saving("30s"))
    name = await shared.create_session("alice", "losing")
    old = (await shared.until_phase(name, "Ready"))["podName"]
    await hold(shared, old, HOLD)
    await shared.delete(PODS, old)
    status = await shared.until_phase(name, "Starting")
    assert reason(status) == "PreviousPodClosing"
    assert not {"podUID", "podIP", "services"} & status.keys()
    await asyncio.sleep(1)
    assert len(shared.made_pods(name)) == 1
    await hold(shared, old, [])
    assert (await shared.until_phase(name, "Ready"))["restarts"] == 1


async def test_without_a_hook_nobody_waits(shared: Playground) -> None:
    """The next life starts at once, whatever the old pod does."""
    await shared.create_game("careless")
    name, old = await close_and_open(shared, "careless")
    assert (await shared.until_phase(name, "Ready"))["podName"] != old
    assert old in shared.pods
    await hold(shared, old, [])


async def test_a_pre_stop_of_the_templates_own_is_refused(shared: Playground) -> None:
    """Where the hook would be set."""
    container = {
        "name": "game",
        "image": "fortune-game",
        "lifecycle": {"preStop": {"exec": {"command": ["true"]}}},
    }
    template = {"spec": {"containers": [container]}}
    await shared.create_game("torn", hooks=saving("3s"), template=template)
    refused = condition(shared.games["torn"], "Accepted")
    assert refused is not None
    assert (refused["status"], refused["reason"]) == ("False", "TemplateRefused")
    assert "preStop" in refused["message"]
    await shared.delete(GAMES, "torn")
