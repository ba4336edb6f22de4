"""What becomes of each kind of answer when a waiting pod is claimed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from gamesession.kube.errors import Conflict, ServerFault, Throttled, Unreachable
from tests.handlers.apiserver import hang_up, refusal
from tests.handlers.claim import B, C, pod_of, tried
from tests.handlers.pool import POOLED, ready
from tests.handlers.scene import CHESS, POD, PODS, STATUS, Scene
from tests.unit.plan.objects import game, pod, ready_status, session

Answer = Callable[[Any], Any]

# Lost claims --------------------------------------------------------------------------------------


def taken(scene: Scene) -> None:
    """Another operator, that believes it leads, gave it to somebody else."""
    found = ready()
    found["metadata"]["labels"]["gamelibrary.io/role"] = "session"
    found["metadata"]["ownerReferences"][0] |= {"kind": "GameSession", "uid": "somebody-elses"}
    scene.server.store(found)


def gone(scene: Scene) -> None:
    """Somebody deleted it."""
    scene.server.remove(ready())


def another(scene: Scene) -> None:
    """There is another of that name."""
    scene.server.store(ready(uid="another"))


def leaving(scene: Scene) -> None:
    """Somebody is deleting it."""
    scene.server.store(ready(deleting=30))


def conflict(scene: Scene) -> None:
    """The API server could not get it written."""
    scene.server[f"patch {PODS}/{B}"] << refusal(409, "Conflict")


LOST = pytest.mark.parametrize("lose", [taken, gone, another, leaving, conflict])


@LOST
async def test_who_loses_a_pod_gets_the_next_one(
    scene: Scene, lose: Callable[[Scene], None]
) -> None:
    scene.start(POOLED, session(), ready(), ready("c", created=-50))
    lose(scene)
    await scene.look()
    assert (pod_of(scene), scene.reason()[0]) == (C, "Ready")
    assert tried(scene) == [B, C]


@LOST
async def test_who_loses_the_last_pod_gets_a_cold_start(
    scene: Scene, lose: Callable[[Scene], None]
) -> None:
    scene.start(POOLED, session(), ready())
    lose(scene)
    await scene.look()
    await scene.look()
    assert (pod_of(scene), scene.reason()[0]) == (POD, "Starting")
    assert tried(scene) == [B]
    assert scene.status()["startKind"] == "Cold"


@LOST
async def test_who_loses_a_pod_keeps_the_place_meanwhile(
    scene: Scene, lose: Callable[[Scene], None]
) -> None:
    """Nobody else may begin until it is known that there is no pod for the one who did."""
    places: list[set[str]] = []

    def note(request: Any) -> Any:
        places.append(set(scene.store.occupied(CHESS)))
        return scene.server.answer(request)

    one = game(warmPool={"size": 2}, limits={"maxSessions": 1})
    scene.start(one, session(), ready(of=one), ready("c", of=one, created=-50))
    scene.server[f"patch {PODS}/{C}"] << note
    lose(scene)
    await scene.look()
    assert ["uid-of-alice" in each for each in places] == [True]


# Answers that are none ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answer", "error", "keeps_its_place"),
    [
        pytest.param(refusal(429, "TooManyRequests"), Throttled, False, id="too many requests"),
        pytest.param(refusal(500, "InternalError"), ServerFault, True, id="it may yet happen"),
        pytest.param(refusal(504, "Timeout"), ServerFault, True, id="it may yet happen, too"),
        pytest.param(hang_up, Unreachable, True, id="no answer, and it did not happen"),
    ],
)
async def test_a_claim_is_tried_again_on_the_same_pod(
    scene: Scene, answer: Any, error: type[Exception], keeps_its_place: bool
) -> None:
    """Another pod could be one too many."""
    scene.start(POOLED, session(), ready(), ready("c", created=-50))
    scene.server[f"patch {PODS}/{B}"][:1] << answer
    with pytest.raises(error):
        await scene.look()
    assert (scene.store.occupied(CHESS) == {"uid-of-alice"}) is keeps_its_place
    await scene.look()
    assert (pod_of(scene), scene.reason()[0]) == (B, "Ready")
    assert tried(scene) == [B, B]
    assert not scene.store.expected


def happens(scene: Scene, and_then: Answer) -> Answer:
    """The request is carried out, and what the operator hears of it is another matter."""

    def answer(request: Any) -> Any:
        scene.server.answer(request)
        return and_then(request)

    return answer


def fault(request: Any) -> Any:
    raise refusal(500, "InternalError")


@pytest.mark.parametrize("and_then", [hang_up, fault])
async def test_a_claim_that_happened_though_no_answer_came_is_settled_by_a_look(
    scene: Scene, and_then: Answer
) -> None:
    scene.start(POOLED, session(), ready(), ready("c", created=-50))
    scene.server[f"patch {PODS}/{B}"][:1] << happens(scene, and_then)
    await scene.look()
    assert (pod_of(scene), scene.reason()[0]) == (B, "Ready")
    assert [f"{each.method.value} {each.url.path}" for each in scene.server.requests] == [
        f"PATCH {PODS}/{B}",
        f"GET {PODS}/{B}",
        f"PATCH {STATUS}",
    ]


@pytest.mark.parametrize("and_then", [hang_up, fault])
async def test_a_claim_of_which_nothing_can_be_learned_keeps_its_pod_and_its_place(
    scene: Scene, and_then: Answer
) -> None:
    limited = game(warmPool={"size": 2}, limits={"maxSessions": 1})
    scene.start(limited, session(), session("bob", created=1), ready(of=limited))
    scene.server[f"patch {PODS}/{B}"][:1] << happens(scene, and_then)
    scene.server[f"get {PODS}/{B}"][:1] << fault
    with pytest.raises(ServerFault):
        await scene.look("alice")
    await scene.look("bob")
    assert scene.reason("bob") == ("Pending", "AwaitingCapacity")
    await scene.look("alice")
    assert (pod_of(scene), scene.reason()[0]) == (B, "Ready")
    assert len(scene.server.all("pods")) == 1
    assert tried(scene) == [B, B]


@pytest.mark.parametrize(
    ("answer", "second"),
    [(refusal(429, "TooManyRequests"), Throttled), (refusal(409, "Conflict"), Conflict)],
)
async def test_what_may_have_happened_may_have_happened_though_the_next_try_is_turned_away(
    scene: Scene, answer: Answer, second: type[Exception]
) -> None:
    scene.start(POOLED, session(), session("bob"), ready())
    scene.server[f"patch {PODS}/{B}"][:1] << hang_up
    scene.server[f"patch {PODS}/{B}"][1:2] << answer
    for error in (Unreachable, second):
        with pytest.raises(error):
            await scene.look("alice")
        assert scene.store.occupied(CHESS) == {"uid-of-alice"}
    await scene.look_until_done("bob")
    assert tried(scene) == [B, B], "by nobody else"
    assert scene.status("bob")["startKind"] == "Cold"


async def test_nobody_else_tries_a_pod_that_somebody_may_have(scene: Scene) -> None:
    scene.start(POOLED, session(), session("bob"), ready())
    scene.server[f"patch {PODS}/{B}"][:1] << hang_up
    with pytest.raises(Unreachable):
        await scene.look("alice")
    await scene.look_until_done("bob")
    assert tried(scene) == [B]
    await scene.look_until_done("alice")
    assert (pod_of(scene, "alice"), scene.status("bob")["startKind"]) == (B, "Cold")


async def test_a_pod_that_a_session_may_have_had_is_free_when_the_session_is_gone(
    scene: Scene,
) -> None:
    scene.start(POOLED, session(), session("bob"), ready())
    scene.server[f"patch {PODS}/{B}"][:1] << hang_up
    with pytest.raises(Unreachable):
        await scene.look("alice")
    scene.server.remove(session())
    scene.tell()
    await scene.look("alice")
    await scene.look("bob")
    assert (pod_of(scene, "bob"), scene.reason("bob")[0]) == (B, "Ready")


async def test_a_pod_that_a_session_may_have_had_is_free_when_it_has_another(
    scene: Scene,
) -> None:
    """Another operator, that believes it leads, gave it that."""
    scene.start(POOLED, session(), session("bob"), ready())
    scene.server[f"patch {PODS}/{B}"][:1] << hang_up
    with pytest.raises(Unreachable):
        await scene.look("alice")
    scene.start(pod(ready=True), session(status=ready_status(pod(ready=True))))
    await scene.look("alice")
    await scene.look("bob")
    assert (pod_of(scene, "bob"), scene.reason("bob")[0]) == (B, "Ready")


async def test_what_the_watch_told_meanwhile_settles_it(scene: Scene) -> None:
    scene.start(POOLED, session(), ready(), ready("c", created=-50))
    scene.server[f"patch {PODS}/{B}"][:1] << happens(scene, hang_up)
    scene.server[f"get {PODS}/{B}"][:1] << fault
    with pytest.raises(ServerFault):
        await scene.look()
    scene.tell()
    await scene.look()
    assert (pod_of(scene), scene.reason()[0]) == (B, "Ready")
    assert tried(scene) == [B]


async def test_a_claim_that_is_forbidden_is_no_obstacle(scene: Scene) -> None:
    """By an admission webhook, or for want of a right: that will be so for the next pod, too."""
    scene.server[f"patch {PODS}/{B}"] << refusal(403, "Forbidden", "not you")
    scene.start(POOLED, session(), ready())
    await scene.look()
    await scene.look()
    assert (pod_of(scene), scene.reason()[0]) == (POD, "Starting")
