"""Pods of a pool that fail, and those that are refused: paced, counted, and told."""

from __future__ import annotations

from typing import Any

import pytest

from gamesession.kube.errors import Conflict, ServerFault
from tests.handlers.apiserver import refusal
from tests.handlers.pool import POOLED, edited, failure, fill, ready, starts, wait
from tests.handlers.scene import CHESS, PODS, Scene
from tests.unit.plan.objects import DISRUPTED, Object, game, terminated, warm_pod

# Pods that fail -----------------------------------------------------------------------------------


def stopped(name: str = "b", **fields: Any) -> Object:
    ended = [terminated(3, said="no cards")]
    return warm_pod(name, containers=ended, **({"phase": "Failed"} | fields))


async def test_one_that_stopped_is_replaced_after_a_pause(scene: Scene) -> None:
    scene.start(POOLED, stopped(), ready("c"))
    await fill(scene)
    assert scene.server.writes == ["DELETE pods"]
    await fill(scene)
    assert scene.looks[-1] == ("chess", 1)
    scene.seconds = 1
    await fill(scene)
    assert scene.server.writes == ["DELETE pods", "POST pods"]


async def test_the_pause_is_longer_each_time_and_the_game_says_why(scene: Scene) -> None:
    scene.start(game(warmPool={"size": 1}))
    pauses = []
    for _ in range(10):
        await fill(scene)
        [made] = wait(scene)
        scene.change_pod(made, phase="Failed", containerStatuses=[terminated(3, said="no cards")])
        await fill(scene)
        await fill(scene)
        assert wait(scene) == []
        pauses.append(scene.looks[-1][1])
        scene.seconds += pauses[-1]
    assert pauses == [1, 2, 4, 8, 16, 32, 64, 128, 256, 300]
    told = await starts(scene)
    assert (told["status"], told["reason"]) == ("False", "StartsFailing")
    assert "started ahead" in told["message"]
    assert "exit code 3" in told["message"]
    assert "no cards" in told["message"]


async def test_pods_that_fail_together_are_one_failure(scene: Scene) -> None:
    scene.start(POOLED, stopped("b"), stopped("c"))
    await fill(scene)
    assert failure(scene) == (1, "Error")


@pytest.mark.parametrize("answer", [refusal(500, "Fault"), refusal(409, "Conflict")])
async def test_a_failure_is_counted_once_however_long_its_pod_takes_to_go(
    scene: Scene, answer: Any
) -> None:
    scene.start(POOLED, stopped(), ready("c"))
    scene.server[f"delete {PODS}/chess-warm-b"][:3] << answer
    for _ in range(3):
        with pytest.raises((Conflict, ServerFault)):
            await fill(scene)
    assert failure(scene) == (1, "Error")
    scene.seconds = 0.9
    await fill(scene)
    assert failure(scene) == (1, "Error")


async def test_one_that_is_not_ready_in_time_has_failed(scene: Scene) -> None:
    slow = game(warmPool={"size": 1}, session={"startTimeout": "10s"})
    scene.start(slow, warm_pod(of=slow))
    await fill(scene)
    assert scene.looks[-1] == ("chess", 10)
    scene.seconds = 10
    await fill(scene)
    assert failure(scene) == (1, "StartTimeout")
    assert "chess-warm-b" in (await starts(scene))["message"]


async def test_what_failed_is_forgotten_when_a_pod_is_ready_for_a_while(scene: Scene) -> None:
    scene.start(game(warmPool={"size": 1}), stopped())
    await fill(scene)
    scene.seconds = 1
    await fill(scene)
    scene.server.remove(stopped())
    [made] = wait(scene)
    made["metadata"]["creationTimestamp"] = ready(created=1)["metadata"]["creationTimestamp"]
    scene.serve()
    await fill(scene)
    assert scene.looks[-1] == ("chess", 10)
    assert failure(scene) == (1, "Error")
    scene.seconds = 11
    await fill(scene)
    assert failure(scene) is None
    assert (await starts(scene))["status"] == "True"


async def test_another_template_is_another_chance(scene: Scene) -> None:
    scene.start(POOLED, stopped("b"), stopped("c"))
    await fill(scene)
    scene.start(edited(warmPool={"size": 2}, services=[{"name": "agent", "port": 9000}]))
    assert failure(scene) is None
    await fill(scene)
    assert len(wait(scene)) == 2


async def test_a_pod_that_its_node_took_away_is_replaced_at_once(scene: Scene) -> None:
    scene.start(POOLED, ready("b", conditions=[DISRUPTED]), ready("c"))
    await fill(scene)
    assert sorted(scene.server.writes) == ["DELETE pods", "POST pods"]
    assert failure(scene) is None


# Pods that are refused ----------------------------------------------------------------------------

QUOTA = 'pods "x" is forbidden: exceeded quota: few, requested: pods=1, used: pods=1'


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (refusal(403, "Forbidden", QUOTA), "QuotaExceeded"),
        (refusal(403, "Forbidden", 'admission webhook "w" denied it'), "PodForbidden"),
        (refusal(422, "Invalid", "spec.containers[0].image: Required"), "Invalid"),
    ],
)
async def test_pods_that_are_refused_are_tried_again_after_a_pause_and_the_game_says_why(
    scene: Scene, answer: Any, reason: str
) -> None:
    scene.start(POOLED, warm_pod("b"))
    forbidden = scene.server[f"post {PODS}"]
    forbidden << (lambda request: dry_run_passes(request, answer))
    scene.queue.tasks.clear()
    await fill(scene)
    assert failure(scene) == (1, reason)
    assert ("game", CHESS) in scene.queue.tasks, "no pod changed, and the Game is to say so"
    assert ("chess", 0) in scene.looks, "when to try again is known now"
    await fill(scene)
    assert scene.looks[-1] == ("chess", 1)
    scene.seconds = 1
    await fill(scene)
    assert failure(scene) == (2, reason)
    told = await starts(scene)
    assert told["reason"] == "LastStartFailed"
    assert f"{reason}: {answer.message}" in told["message"]
    scene.seconds = 3
    await fill(scene)
    scene.games._written.clear()  # it would wait for 5 s
    told = await starts(scene)
    assert (told["status"], told["reason"]) == ("False", "StartsFailing")
    assert f"{reason}: {answer.message}" in told["message"]
    assert scene.server.one("games")["status"]["warm"] == {"ready": 0, "starting": 1}


def dry_run_passes(request: Any, answer: Exception) -> Object:
    """The Game was accepted before there was no room."""
    if "dryRun" in request.params:
        found: Object = request.data
        return found
    raise answer


async def test_a_round_of_refusals_is_one_failure(scene: Scene) -> None:
    """A quota that was full for a moment is no reason to have no pool for minutes."""
    scene.start(game(warmPool={"size": 40}))
    scene.server[f"post {PODS}"] << refusal(403, "Forbidden", QUOTA)
    await fill(scene)
    assert failure(scene) == (1, "QuotaExceeded")
    assert len(scene.server.writes) <= 16, "not all of them are tried once one is refused"
