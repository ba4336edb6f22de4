"""A pool is filled, emptied and kept at its size: the requests it takes, and what is told."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from typing import Any

import pytest
from prometheus_client import REGISTRY

from gamesession.controller import games as games_module
from gamesession.controller.metrics import POPULATION
from gamesession.kube.errors import Conflict, ServerFault, Throttled, Unreachable
from gamesession.plan.acceptance import Verdict
from gamesession.plan.game import Acceptance, Game
from tests.handlers.apiserver import hang_up, refusal
from tests.handlers.pool import POOLED, edited, failure, fill, ready, starts, wait
from tests.handlers.scene import CHESS, PODS, Scene
from tests.unit.plan.objects import (
    condition,
    game,
    session,
    waiting,
    warm_pod,
)


def names(scene: Scene) -> list[str]:
    return sorted(each["metadata"]["name"] for each in wait(scene))


# Filling ------------------------------------------------------------------------------------------


async def test_it_is_filled_at_once(scene: Scene) -> None:
    scene.start(POOLED)
    await fill(scene)
    assert scene.server.writes == ["POST pods", "POST pods"]
    assert len(wait(scene)) == 2
    await fill(scene)
    assert len(scene.server.requests) == 2, "the answers are believed before any watch tells"


async def test_a_large_one_is_filled_a_few_at_a_look(scene: Scene) -> None:
    """Between two looks users come first."""
    scene.start(game(warmPool={"size": 10}))
    for there in (4, 8, 10):
        scene.looks.clear()
        await scene.pools.reconcile(CHESS, at_once=4)
        assert len(wait(scene)) == there
        assert (("chess", 0) in scene.looks) is (there < 10)


async def test_a_pool_of_which_less_than_a_quarter_is_ready_is_low(scene: Scene) -> None:
    scene.start(game(warmPool={"size": 4}), ready("b", ready=False))
    assert scene.pools.is_low(CHESS)
    scene.start(ready("c"))
    assert not scene.pools.is_low(CHESS)
    assert not scene.pools.is_low((CHESS[0], "draughts"))


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
    assert "chess-warm-c" in names(scene)
    assert "chess-warm-b" not in names(scene)
    assert len(wait(scene)) == 2


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


SUSPENDED: dict[str, Any] = {"suspend": True, "warmPool": {"size": 2}}


@pytest.mark.parametrize(
    "close",
    [
        pytest.param(lambda scene: scene.start(edited(**SUSPENDED)), id="suspended"),
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


def measured(state: str) -> float | None:
    return REGISTRY.get_sample_value("gamesession_pool_pods", {"game": "measured", "state": state})


async def test_the_pods_that_wait_are_measured_for_as_long_as_the_game_is_there(
    scene: Scene,
) -> None:
    one = game("measured", warmPool={"size": 2})
    POPULATION.store = scene.store
    scene.start(one, ready("b", of=one), warm_pod("c", of=one), ready("d", of=one, deleting=30))
    assert (measured("ready"), measured("starting")) == (1, 1)
    scene.start(game("measured", warmPool={"size": 2}, deleting=True), ready("c", of=one))
    assert (measured("ready"), measured("starting")) == (2, 0)
    scene.server.remove(one)
    scene.tell()
    assert (measured("ready"), measured("starting")) == (None, None)
