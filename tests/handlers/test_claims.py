"""A waiting pod is handed to a session: the requests it takes, and what becomes of each answer."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from structlog.testing import capture_logs

from gamesession.api.names import session_name
from gamesession.kube.errors import ServerFault, Throttled, Unreachable
from tests.handlers.apiserver import hang_up, refusal
from tests.handlers.pool import POOLED, ready
from tests.handlers.scene import CHESS, POD, PODS, STATUS, Scene
from tests.unit.plan.objects import (
    DISRUPTED,
    NAMESPACE,
    Object,
    condition,
    game,
    pod,
    ready_status,
    second,
    session,
    terminated,
    text,
)

B, C = "chess-warm-b", "chess-warm-c"
WARM_START = ["PATCH pods", "PATCH gamesessions/status"]
Answer = Callable[[Any], Any]


def pod_of(scene: Scene, user: str = "alice") -> str:
    """The name of the pod that a user's session is told to have; it must be the session's."""
    status = scene.status(user)
    found = scene.server.objects["pods", NAMESPACE, status["podName"]]
    [owner] = found["metadata"]["ownerReferences"]
    assert (owner["kind"], owner["uid"]) == ("GameSession", f"uid-of-{user}")
    assert found["metadata"]["uid"] == status["podUID"]
    return str(status["podName"])


def tried(scene: Scene) -> list[str]:
    """The pods that somebody tried to claim, in order."""
    return [
        str(each.name)
        for each in scene.server.requests
        if each.method == "PATCH" and each.url.path.startswith(PODS)
    ]


# The warm path ------------------------------------------------------------------------------------


async def test_a_warm_start_takes_two_writes_and_one_look(scene: Scene) -> None:
    scene.start(POOLED, session(), ready())
    await scene.look()
    assert scene.reason() == ("Ready", "PodReady")
    assert pod_of(scene) == B
    assert [(each.method, each.url.path) for each in scene.server.requests] == [
        ("PATCH", f"{PODS}/{B}"),
        ("PATCH", STATUS),
    ]
    await scene.look()
    assert scene.server.writes == WARM_START


async def test_the_claim_is_a_json_patch(scene: Scene) -> None:
    scene.start(POOLED, session(), ready())
    await scene.look()
    request = scene.server.requests[0]
    assert request.headers["Content-Type"] == "application/json-patch+json"
    assert request.data[0] == {"op": "test", "path": "/metadata/uid", "value": "uid-of-warm-b"}


async def test_the_pod_is_the_sessions_alone_then(scene: Scene) -> None:
    scene.start(POOLED, session(), ready())
    await scene.look()
    meta = scene.server.one("pods")["metadata"]
    assert [each["uid"] for each in meta["ownerReferences"]] == ["uid-of-alice"]
    assert meta["labels"]["gamelibrary.io/role"] == "session"
    assert meta["labels"]["gamelibrary.io/session"] == session_name("chess", "alice")
    assert meta["annotations"]["cluster-autoscaler.kubernetes.io/safe-to-evict"] == "false"
    assert "alice" not in str(meta["labels"])


async def test_the_status_tells_a_warm_start(scene: Scene) -> None:
    scene.seconds = 2
    scene.start(POOLED, session(), ready())
    await scene.look()
    found = scene.status()
    assert found["startKind"] == "Warm"
    assert found["startedAt"] == text(0), "the pod is older than the session"
    assert (found["readyAt"], found["lastActivity"]) == (text(2), text(2))
    assert "restarts" not in found


async def test_its_log_line_says_warm(scene: Scene) -> None:
    scene.start(POOLED, session(), ready())
    scene.seconds = 0.5
    with capture_logs() as lines:
        await scene.look()
    assert [(line["event"], line["start"]) for line in lines] == [("session ready", "warm")]


async def test_the_services_are_where_the_pod_has_them(scene: Scene) -> None:
    """It was made before the Game's ports were edited."""
    edited = game(warmPool={"size": 2}, services=[{"name": "agent", "port": 9999}])
    scene.start(edited, session(), ready(of=POOLED, ports="agent=7000,live=7001"))
    await scene.look()
    assert scene.status()["services"] == {"agent": "10.0.0.1:7000", "live": "10.0.0.1:7001"}


async def test_a_session_that_lost_its_pod_gets_a_waiting_one(scene: Scene) -> None:
    lost = pod(ready=True)
    scene.start(POOLED, session(status=ready_status(lost)), ready())
    await scene.look()
    assert (pod_of(scene), scene.reason()[0]) == (B, "Ready")
    assert scene.status()["restarts"] == 1
    assert scene.server.writes == WARM_START


async def test_a_pool_is_refilled_because_one_was_claimed(scene: Scene) -> None:
    scene.start(POOLED, session(), ready())
    scene.queue.tasks.clear()
    await scene.look()
    assert ("pool", CHESS) in scene.queue.tasks


async def test_the_oldest_of_the_present_template_is_taken(scene: Scene) -> None:
    scene.start(
        POOLED,
        session(),
        ready("old", template="outdated", created=-90),
        ready("young", created=-5),
        ready("b", created=-9),
    )
    await scene.look()
    assert pod_of(scene) == B


@pytest.mark.parametrize(
    "unfit",
    [
        pytest.param(ready(ready=False, containers=[]), id="not ready"),
        pytest.param(ready(deleting=30), id="on its way out"),
        pytest.param(ready(conditions=[DISRUPTED]), id="its node is about to take it"),
        pytest.param(ready(containers=[terminated()]), id="stopped"),
        pytest.param(ready(of=game("draughts")), id="another Game's"),
    ],
)
async def test_a_pod_that_would_not_serve_is_not_tried(scene: Scene, unfit: Object) -> None:
    scene.start(POOLED, session(), unfit)
    await scene.look()
    assert tried(scene) == []
    assert scene.server.writes == ["POST pods"], "a cold start"


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


async def test_what_may_have_happened_may_have_happened_though_the_next_try_is_turned_away(
    scene: Scene,
) -> None:
    scene.start(POOLED, session(), session("bob"), ready())
    scene.server[f"patch {PODS}/{B}"][:1] << hang_up
    scene.server[f"patch {PODS}/{B}"][1:2] << refusal(429, "TooManyRequests")
    for error in (Unreachable, Throttled):
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


# Several at once ----------------------------------------------------------------------------------


async def test_sessions_that_come_at_once_get_a_pod_each(scene: Scene) -> None:
    users = ("ann", "bob", "eve")
    scene.start(
        POOLED, *(session(user) for user in users), ready("b"), ready("c"), ready("d"), ready("e")
    )
    await asyncio.gather(*(scene.look(user) for user in users))
    assert len({pod_of(scene, user) for user in users}) == 3
    assert len(tried(scene)) == len(set(tried(scene))) == 3, "nobody tried another's"


async def test_the_last_pod_is_tried_by_one_of_two(scene: Scene) -> None:
    scene.start(POOLED, session("ann"), session("bob"), ready())
    await asyncio.gather(scene.look("ann"), scene.look("bob"))
    await scene.look_until_done("ann", "bob")
    assert tried(scene) == [B]
    kinds = sorted(scene.status(user)["startKind"] for user in ("ann", "bob"))
    assert kinds == ["Cold", "Warm"]
    assert len(scene.server.all("pods")) == 2


async def test_an_operator_that_begins_goes_on_where_the_claim_was(scene: Scene) -> None:
    """The one before was killed between claim and status."""
    scene.start(POOLED, session(), ready(), ready("c", created=-50))
    scene.server[f"patch {STATUS}"][:1] << hang_up
    with pytest.raises(Unreachable):
        await scene.look()
    scene.begin()
    scene.tell()
    await scene.look()
    assert (pod_of(scene), scene.status()["startKind"]) == (B, "Warm")
    assert tried(scene) == [B]


async def test_a_claimed_pod_that_stopped_before_it_was_told_is_replaced_by_the_next(
    scene: Scene,
) -> None:
    scene.start(POOLED, session(), ready(), ready("c", created=-50))

    def stop(request: Any) -> Any:
        scene.server.answer(request)
        found = scene.server.objects["pods", NAMESPACE, B]
        found["status"] |= {"phase": "Failed", "containerStatuses": [terminated()]}
        found["status"]["conditions"] = [condition("Ready", "False", "")]
        return found

    scene.server[f"patch {PODS}/{B}"] << stop
    await scene.look_until_done()
    assert (scene.reason(), scene.status()["failures"]) == (("Starting", "Error"), 1)
    scene.seconds = 1
    await scene.look_until_done()
    assert (pod_of(scene), scene.reason()[0]) == (C, "Ready")
    left = scene.server.objects["pods", NAMESPACE, B]["metadata"]
    assert left["deletionTimestamp"] == second(30)
