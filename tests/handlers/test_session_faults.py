"""Any answer to any request of a session's life leaves it neither stuck nor doubled."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests.handlers.apiserver import hang_up, refusal
from tests.handlers.scene import Scene
from tests.unit.plan.objects import (
    Object,
    game,
    pod,
    session,
    stopped_pod,
)


async def live(scene: Scene) -> None:
    """A session starts, its container stops, and another pod takes its place."""
    await scene.look_until_done()
    scene.serve()
    await scene.look_until_done()
    [found] = scene.server.all("pods")
    scene.change_pod(found, **stopped_pod(finished=0)["status"])
    await scene.look_until_done()
    scene.seconds += 2
    scene.server.grace = None
    await scene.look_until_done()
    scene.serve()
    await scene.look_until_done()


WRITES = [
    "POST pods",
    "PATCH gamesessions/status",
    "PATCH gamesessions/status",
    "PATCH gamesessions/status",
    "POST pods",
    "DELETE pods",
    "PATCH gamesessions/status",
    "PATCH gamesessions/status",
]
FAULTS: dict[str, Any] = {
    "409": refusal(409, "Conflict"),
    "429": refusal(429, "TooManyRequests"),
    "500": refusal(500, "InternalError"),
    "none": hang_up,
}


def inject(scene: Scene, number: int, fault: str, *, happened: bool) -> None:
    """Answer request `number` (Events apart) with a fault.

    Args:
        happened: whether what was asked happens all the same.
    """

    def at_number(request: Any) -> bool:
        asked = [each for each in scene.server.requests if "events" not in each.url.path]
        return any(each is request for each in asked[number : number + 1])

    async def answer(request: Any) -> Any:
        act: dict[str, Callable[[Any], Object]] = {
            "POST": scene.server._create,
            "PATCH": scene.server._patch,
            "DELETE": scene.server._delete,
        }
        if happened and request.method.value in act:
            act[request.method.value](request)
        if isinstance(FAULTS[fault], Exception):
            raise FAULTS[fault]
        return FAULTS[fault](request)

    scene.server[at_number] << answer


async def test_the_life_that_faults_are_injected_in(scene: Scene) -> None:
    scene.start(game(), session())
    await live(scene)
    assert scene.server.writes == WRITES
    assert len([x for x in scene.server.requests if "events" not in x.url.path]) == len(WRITES)


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("number", range(len(WRITES)))
@pytest.mark.parametrize("happened", [False, True])
async def test_any_answer_to_any_write_leaves_it_neither_stuck_nor_doubled(
    scene: Scene, number: int, fault: str, happened: bool
) -> None:
    """Whether what was asked happened or not: one pod, Ready, one failure counted."""
    inject(scene, number, fault, happened=happened)
    scene.start(game(), session())
    await live(scene)
    scene.tell()
    await scene.look_until_done()
    assert scene.reason() == ("Ready", "PodReady")
    assert [each["metadata"]["uid"] for each in scene.server.all("pods")] == [
        scene.status()["podUID"]
    ]
    assert scene.status()["restarts"] == 1
    assert scene.status()["failures"] == 0


ADOPTION = ["POST pods", "GET pods", "PATCH status", "GET gamesessions", "PATCH gamesessions"]


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("number", range(len(ADOPTION)), ids=ADOPTION)
@pytest.mark.parametrize("happened", [False, True])
async def test_nor_does_any_answer_to_what_is_asked_on_the_way(
    scene: Scene, number: int, fault: str, happened: bool
) -> None:
    """A session made by hand, whose pod was made by an operator that was killed then."""
    inject(scene, number, fault, happened=happened)
    scene.start(game(), session(adopted=False))
    scene.server.store(pod(ready=True))
    await scene.look_until_done()
    scene.tell()
    await scene.look_until_done()
    assert scene.reason() == ("Ready", "PodReady")
    assert [each["metadata"]["uid"] for each in scene.server.all("pods")] == [
        scene.status()["podUID"]
    ]
    meta = scene.server.one("gamesessions")["metadata"]
    assert [each["uid"] for each in meta["ownerReferences"]] == ["uid-of-chess"]
    assert meta["labels"]["gamelibrary.io/game"] == "chess"
