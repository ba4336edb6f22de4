"""A waiting pod is handed to a session: the requests it takes, and what is told."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from prometheus_client import REGISTRY
from structlog.testing import capture_logs

from gamesession.api.names import session_name
from gamesession.kube.errors import Unreachable
from tests.handlers.apiserver import hang_up
from tests.handlers.claim import B, C, pod_of, tried
from tests.handlers.pool import POOLED, ready
from tests.handlers.scene import CHESS, PODS, STATUS, Scene
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

WARM_START = ["PATCH pods", "PATCH gamesessions/status"]


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


async def test_one_of_an_old_template_is_taken_where_there_is_no_other(scene: Scene) -> None:
    scene.start(POOLED, session(), ready("old", template="outdated"))
    await scene.look()
    assert scene.status()["startKind"] == "Warm"


async def test_but_not_by_a_game_that_tells_pods_whom_they_serve(scene: Scene) -> None:
    """One made before an edit may know nothing of the path, and refuse."""
    hook = {"onClaim": {"service": "agent", "path": "/claim"}}
    found = game(warmPool={"size": 2}, hooks=hook)
    scene.start(found, session(), ready("old", template="outdated"))
    await scene.look()
    assert scene.server.writes == ["POST pods"]


@pytest.mark.parametrize(
    "unfit",
    [
        pytest.param(ready(ready=False, containers=[]), id="not ready"),
        pytest.param(ready(deleting=30), id="on its way out"),
        pytest.param(ready(conditions=[DISRUPTED]), id="its node is about to take it"),
        pytest.param(ready(containers=[terminated()]), id="stopped"),
        pytest.param(ready(of=game("draughts")), id="another Game's"),
        pytest.param(ready(of=game(uid="the-game-before")), id="of a Game of that name before"),
    ],
)
async def test_a_pod_that_would_not_serve_is_not_tried(scene: Scene, unfit: Object) -> None:
    scene.start(POOLED, session(), unfit)
    await scene.look()
    assert tried(scene) == []
    assert scene.server.writes == ["POST pods"], "a cold start"


def counted(result: str) -> float:
    labels = {"game": "counted", "result": result}
    return REGISTRY.get_sample_value("gamesession_claims_total", labels) or 0


async def test_claims_are_counted_by_how_they_end(scene: Scene) -> None:
    one = game("counted", warmPool={"size": 2})
    scene.start(one, session("ann", "counted"), session("bob", "counted", created=1))
    scene.start(ready("b", of=one), ready("c", of=one, created=-50))
    scene.server.remove(ready("b", of=one))
    for user in ("ann", "bob"):
        await scene.look(name=session_name("counted", user))
    assert {each: counted(each) for each in ("claimed", "lost", "empty")} == {
        "claimed": 1,
        "lost": 1,
        "empty": 1,
    }


async def test_a_session_that_was_deleted_gets_no_other_pod_because_its_own_goes(
    scene: Scene,
) -> None:
    """The collector is quick: of the pod's end the watch may tell before the session's."""
    serving = pod(ready=True)
    scene.start(POOLED, session(status=ready_status(serving)), serving, ready())
    scene.server.remove(session())
    scene.store.see_pod(scene.server.store(pod(ready=True, deleting=30)))
    await scene.look()
    assert scene.server.writes == []
    assert scene.store.sessions.get((NAMESPACE, session_name("chess", "alice"))) is None


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
