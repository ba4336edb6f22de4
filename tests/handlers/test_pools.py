"""A pool is filled, emptied and kept at its size: the requests it takes, and what is told."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from typing import Any

import pytest

from gamesession.controller import games as games_module
from gamesession.kube.errors import Conflict, ServerFault, Throttled, Unreachable
from gamesession.plan.acceptance import Verdict
from gamesession.plan.game import Acceptance, Game
from tests.handlers.apiserver import hang_up, refusal
from tests.handlers.scene import CHESS, PODS, Scene
from tests.unit.plan.objects import (
    DISRUPTED,
    Object,
    condition,
    game,
    session,
    terminated,
    waiting,
    warm_pod,
)

POOLED = game(warmPool={"size": 2})


async def fill(scene: Scene) -> None:
    """One look at the pool."""
    await scene.pools.reconcile(CHESS)


def wait(scene: Scene) -> list[Object]:
    """The pods that wait for a user and that nobody has deleted."""
    return [
        each
        for each in scene.server.all("pods")
        if each["metadata"]["labels"]["gamelibrary.io/role"] == "warm"
        and "deletionTimestamp" not in each["metadata"]
    ]


def names(scene: Scene) -> list[str]:
    return sorted(each["metadata"]["name"] for each in wait(scene))


def ready(name: str = "b", **fields: Any) -> Object:
    return warm_pod(name, **({"ready": True, "created": -60} | fields))


def edited(**spec: Any) -> Object:
    """The Game after an edit, which is accepted."""
    found = game(**spec)
    found["metadata"]["generation"] = 2
    found["status"]["conditions"][0]["observedGeneration"] = 2
    return found


# Filling ------------------------------------------------------------------------------------------


async def test_it_is_filled_at_once(scene: Scene) -> None:
    scene.start(POOLED)
    await fill(scene)
    assert scene.server.writes == ["POST pods", "POST pods"]
    assert len(wait(scene)) == 2
    await fill(scene)
    assert len(scene.server.requests) == 2, "the answers are believed before any watch tells"


async def test_its_pods_are_the_games_and_nobodys(scene: Scene) -> None:
    scene.start(POOLED, session())
    await fill(scene)
    request = scene.server.requests[0]
    assert (request.url.path, dict(request.params)) == (PODS, {"fieldValidation": "Strict"})
    meta = request.data["metadata"]
    assert re.fullmatch("chess-warm-[b-z]{8}", meta["name"])
    [owner] = meta["ownerReferences"]
    assert (owner["kind"], owner["uid"], owner["controller"]) == ("Game", "uid-of-chess", True)
    assert meta["labels"]["gamelibrary.io/role"] == "warm"
    assert meta["labels"]["gamelibrary.io/start"] == "Warm"
    assert "alice" not in str(request.data)


async def test_no_pod_runs_before_the_first_request_where_no_pool_is(scene: Scene) -> None:
    scene.start(game(), game("draughts", warmPool={"size": 0}))
    await fill(scene)
    await scene.pools.reconcile((CHESS[0], "draughts"))
    assert scene.server.requests == []


async def test_a_claimed_pod_is_replaced_by_one_write(scene: Scene) -> None:
    scene.start(POOLED, session(), ready("b"), ready("c"))
    await scene.look()
    scene.seconds = 1  # users come first
    await fill(scene)
    assert scene.server.writes == ["PATCH pods", "PATCH gamesessions/status", "POST pods"]
    assert len(wait(scene)) == 2


async def test_a_session_that_ends_gives_no_pod_back(scene: Scene) -> None:
    scene.start(POOLED, session(), ready("b"), ready("c"))
    await scene.look()
    scene.server.remove(session())
    scene.tell()
    scene.seconds = 1
    await fill(scene)
    assert names(scene)[0] == "chess-warm-c"
    assert "chess-warm-b" not in names(scene)


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (refusal(409, "AlreadyExists"), Conflict),
        (refusal(429, "TooManyRequests"), Throttled),
        (refusal(500, "InternalError"), ServerFault),
        (hang_up, Unreachable),
    ],
)
async def test_a_pod_that_was_not_made_is_made_at_the_next_look(
    scene: Scene, answer: Any, error: type[Exception]
) -> None:
    """The others are made meanwhile, and the Game's pods are not to blame."""
    scene.start(POOLED)
    scene.server[f"post {PODS}"][:1] << answer
    with pytest.raises(error):
        await fill(scene)
    assert len(wait(scene)) == 1
    await fill(scene)
    assert len(wait(scene)) == 2
    assert failure(scene) is None


async def test_a_pod_that_was_made_though_no_answer_came_is_none_too_many(scene: Scene) -> None:
    scene.start(game(warmPool={"size": 1}))

    def make_and_hang_up(request: Any) -> bytes:
        scene.server.store(warm_pod("b"))
        return hang_up(request)

    scene.server[f"post {PODS}"][:1] << make_and_hang_up
    with pytest.raises(Unreachable):
        await fill(scene)
    await fill(scene)
    scene.tell()
    await fill(scene)
    assert len(wait(scene)) == 1


# Emptying -----------------------------------------------------------------------------------------


def judged(scene: Scene, status: Acceptance) -> None:
    """The API server was asked about the Game's pods."""
    verdict = Verdict(status, "TemplateInvalid", "No image.")
    scene.catalogue.judge(Game.from_object(scene.server.one("games")), verdict)


async def test_a_pod_too_many_is_deleted_as_it_was_seen(scene: Scene) -> None:
    scene.start(game(warmPool={"size": 1}), ready("b", created=-9), ready("c", created=-8))
    known = dict(scene.server.objects["pods", CHESS[0], "chess-warm-c"]["metadata"])
    await fill(scene)
    [request] = scene.server.requests
    assert (request.method, request.url.path) == ("DELETE", f"{PODS}/chess-warm-c")
    version = known["resourceVersion"]
    assert request.data["preconditions"] == {"uid": known["uid"], "resourceVersion": version}
    await fill(scene)
    assert len(scene.server.requests) == 1


async def test_a_pod_that_was_claimed_meanwhile_stays(scene: Scene) -> None:
    """By another operator, which this one has not heard of."""
    scene.start(game(warmPool={"size": 0}), session(), ready())
    claimed = ready()
    claimed["metadata"]["labels"]["gamelibrary.io/role"] = "session"
    claimed["metadata"]["ownerReferences"][0] |= {"kind": "GameSession", "uid": "uid-of-alice"}
    scene.server.store(claimed)
    with pytest.raises(Conflict):
        await fill(scene)
    await fill(scene)
    assert "deletionTimestamp" not in scene.server.one("pods")["metadata"]
    assert [each.method.value for each in scene.server.requests] == ["DELETE", "GET"]
    assert [each.name for each in scene.store.pods_of("uid-of-alice")] == ["chess-warm-b"]


async def test_a_pod_is_claimed_or_deleted_and_never_both(scene: Scene) -> None:
    """A Game is shrunk at the moment that a user comes."""
    scene.start(game(warmPool={"size": 0}), session(), ready())
    await asyncio.gather(fill(scene), scene.look(), return_exceptions=True)
    scene.seconds = 1
    await fill(scene)
    await scene.look_until_done()
    found = scene.server.all("pods")
    alive = [each for each in found if "deletionTimestamp" not in each["metadata"]]
    assert [each["metadata"]["name"] for each in alive] == [scene.status()["podName"]]
    assert wait(scene) == []


async def test_a_pod_that_kubelet_wrote_of_meanwhile_goes_at_the_next_look(scene: Scene) -> None:
    scene.start(game(warmPool={"size": 0}), ready())
    scene.server.store(ready())
    with pytest.raises(Conflict):
        await fill(scene)
    await fill(scene)
    assert wait(scene) == []


@pytest.mark.parametrize(
    "close",
    [
        pytest.param(lambda scene: scene.start(edited(suspend=True)), id="suspended"),
        pytest.param(lambda scene: judged(scene, Acceptance.FALSE), id="not accepted any more"),
        pytest.param(lambda scene: scene.start(edited(warmPool={"size": 0})), id="shrunk to none"),
    ],
)
async def test_a_game_that_takes_no_sessions_has_no_pods_waiting(
    scene: Scene, close: Callable[[Scene], None]
) -> None:
    scene.start(POOLED, ready("b"), warm_pod("c"))
    close(scene)
    await fill(scene)
    assert wait(scene) == []
    await fill(scene)
    assert scene.server.writes == ["DELETE pods", "DELETE pods"]


async def test_a_game_whose_route_is_anothers_has_no_pods_waiting(scene: Scene) -> None:
    scene.start(POOLED, game("older", route="chess", created=-9999), ready())
    await scene.games.reconcile(CHESS)
    await fill(scene)
    assert wait(scene) == []


async def test_a_game_of_which_nothing_can_be_said_keeps_its_pods_and_gets_none(
    scene: Scene,
) -> None:
    scene.start(POOLED, ready("b"))
    judged(scene, Acceptance.UNKNOWN)
    await fill(scene)
    assert scene.server.requests == []


async def test_the_pods_of_a_game_that_is_being_deleted_are_the_collectors(scene: Scene) -> None:
    scene.start(game(warmPool={"size": 2}, deleting=True), ready())
    await fill(scene)
    assert scene.server.requests == []


async def test_a_game_that_is_gone_has_no_pool(scene: Scene) -> None:
    await fill(scene)
    assert scene.server.requests == []


# Pods that fail -----------------------------------------------------------------------------------


def failure(scene: Scene) -> tuple[int, str] | None:
    """How many times in a row pods failed, and why the last one did."""
    found = scene.pools.failure(Game.from_object(scene.server.one("games")))
    return (found.count, found.reason) if found else None


def stopped(name: str = "b", **fields: Any) -> Object:
    ended = [terminated(3, said="no cards")]
    return warm_pod(name, containers=ended, **({"phase": "Failed"} | fields))


async def starts(scene: Scene) -> Object:
    """The Game's condition Ready."""
    await scene.games.reconcile(CHESS)
    conditions: list[Object] = scene.server.one("games")["status"]["conditions"]
    return next(each for each in conditions if each["type"] == "Ready")


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
    await fill(scene)
    assert failure(scene) == (1, reason)
    assert ("chess", 0) in scene.looks, "when to try again is known now"
    await fill(scene)
    assert scene.looks[-1] == ("chess", 1)
    scene.seconds = 1
    await fill(scene)
    assert failure(scene) == (2, reason)
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


# What the Game says -------------------------------------------------------------------------------


async def test_the_game_counts_the_pods_that_wait(scene: Scene) -> None:
    scene.start(
        POOLED,
        ready("b"),
        ready("c"),
        warm_pod("d", containers=[waiting("ContainerCreating")]),
        ready("e", deleting=30),
    )
    await scene.games.reconcile(CHESS)
    assert scene.server.one("games")["status"]["warm"] == {"ready": 2, "starting": 1}


async def test_a_pod_that_is_ready_shows_that_starts_succeed(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene.start(POOLED)
    assert (await starts(scene))["status"] == "Unknown"
    scene.start(ready("b"))
    monkeypatch.setattr(games_module, "STATUS_INTERVAL", 0)
    told = await starts(scene)
    assert (told["status"], told["reason"]) == ("True", "StartsSucceed")


async def test_a_change_of_a_waiting_pod_has_pool_and_game_looked_at(scene: Scene) -> None:
    scene.start(POOLED, ready())
    scene.queue.tasks.clear()
    scene.change_pod(ready(), conditions=[condition("Ready", "False", "")])
    assert {task.kind for task in scene.queue.tasks} == {"pool", "game"}
