"""A session gets no second pod beside one that it has, though nobody told the operator of that yet:
another operator gave it away, or the making of it was not answered."""

from __future__ import annotations

from typing import Any

import pytest

from gamesession.kube.errors import ServerFault, Throttled, Unreachable
from tests.handlers.apiserver import hang_up, refusal
from tests.handlers.scene import POD, PODS, Scene
from tests.unit.plan.objects import (
    Object,
    game,
    pod,
    ready_status,
    session,
    status,
    stopped_pod,
    warm_pod,
)

POOLED = game(warmPool={"size": 2})
WARM = "chess-warm-b"


def waiting_pod() -> Object:
    return warm_pod("b", ready=True, created=-60)


def owners(scene: Scene) -> list[str]:
    """Who owns which pod."""
    return sorted(
        f"{each['metadata']['name']} of {each['metadata']['ownerReferences'][0]['kind']}"
        for each in scene.server.all("pods")
    )


# Given by another operator ------------------------------------------------------------------------


async def test_a_pod_that_the_status_names_and_no_watch_told_of_is_kept(scene: Scene) -> None:
    bound = pod(ready=True)
    scene.start(POOLED, session(status=ready_status(pod(ready=True))), waiting_pod())
    scene.server.store(bound)
    await scene.look()
    assert [f"{each.method.value} {each.url.path}" for each in scene.server.requests] == [
        f"GET {PODS}/{POD}"
    ]
    await scene.look()
    assert scene.server.writes == []


async def test_a_pod_that_was_told_of_as_waiting_is_the_sessions_by_its_status(
    scene: Scene,
) -> None:
    waits = waiting_pod()
    scene.start(POOLED, session(), waits)
    await scene.look()
    told = scene.server.one("gamesessions")
    scene.begin()
    scene.store.see_game(POOLED)
    scene.store.see_pod(waits)
    scene.store.see_session(told)
    writes = list(scene.server.writes)
    await scene.look()
    assert scene.server.writes == writes


@pytest.mark.parametrize("in_its_place", [None, pod(uid="of-another-life")])
async def test_a_pod_that_the_status_names_and_that_is_gone_is_asked_for_once(
    scene: Scene, in_its_place: Object | None
) -> None:
    scene.start(game(), session(status=ready_status(pod(ready=True))))
    if in_its_place:
        scene.server.store(in_its_place)
    await scene.look_until_done()
    asked = [each for each in scene.server.requests if each.url.path == f"{PODS}/{POD}"]
    assert [each.method.value for each in asked][:1] == ["GET"]
    assert scene.status()["podName"] != POD
    assert len(asked) == 1


async def test_nothing_is_made_while_it_is_not_known_whether_it_is_there(scene: Scene) -> None:
    def fault(request: Any) -> Any:
        raise refusal(500, "InternalError")

    scene.start(POOLED, session(status=ready_status(pod(ready=True))), waiting_pod())
    scene.server[f"get {PODS}/{POD}"] << fault
    with pytest.raises(ServerFault):
        await scene.look()
    assert scene.server.writes == []


# Made without an answer ---------------------------------------------------------------------------


async def test_no_pod_is_claimed_while_one_may_have_been_made(scene: Scene) -> None:
    """One waits by the time of the second try."""

    def made(request: Any) -> Any:
        scene.server.store(pod())
        return hang_up(request)

    scene.start(POOLED, session())
    scene.server[f"post {PODS}"][:1] << made
    with pytest.raises(Unreachable):
        await scene.look()
    scene.server.store(waiting_pod())
    scene.store.see_pod(scene.server.objects["pods", "games", WARM])
    await scene.look()
    assert owners(scene) == [f"{POD} of GameSession", f"{WARM} of Game"]


async def test_nor_when_the_second_try_is_put_off(scene: Scene) -> None:
    def throttled(request: Any) -> Any:
        raise refusal(429, "TooManyRequests")

    scene.start(POOLED, session())
    scene.server[f"post {PODS}"][:1] << hang_up
    scene.server[f"post {PODS}"][1:2] << throttled
    with pytest.raises(Unreachable):
        await scene.look()
    scene.start(waiting_pod())
    with pytest.raises(Throttled):
        await scene.look()
    await scene.look()
    assert owners(scene) == [f"{POD} of GameSession", f"{WARM} of Game"]


async def test_the_next_life_may_claim(scene: Scene) -> None:
    scene.start(POOLED, session())
    scene.server[f"post {PODS}"][:1] << hang_up
    with pytest.raises(Unreachable):
        await scene.look()
    scene.server.remove(session())
    scene.start(session(uid="uid-of-the-next-life", created=1), waiting_pod())
    await scene.look()
    assert owners(scene) == [f"{WARM} of GameSession"]


# Told twice ---------------------------------------------------------------------------------------


async def test_a_last_failure_in_the_words_of_the_one_before_is_told_with_its_log(
    scene: Scene,
) -> None:
    """Its condition stands already, but for the log's words."""
    words = "Container agent stopped with exit code 1 (Error)."
    before = status("Starting", pod=pod(4), bound=False, reason="Error", message=words, failures=4)
    scene.start(game(), session(status=before | {"startingSince": before["startedAt"]}))
    scene.start(stopped_pod(5))
    scene.server[f"get {PODS}/{pod(5)['metadata']['name']}/log"] << "It fell over."
    await scene.look()
    [condition] = scene.status()["conditions"]
    assert scene.reason() == ("Failed", "Error")
    assert "It fell over." in condition["message"]
