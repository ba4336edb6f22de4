"""What becomes of each kind of answer when a pod is made or deleted."""

from __future__ import annotations

from typing import Any

import pytest

from gamesession.kube.errors import (
    Gone,
    ServerFault,
    Throttled,
    Unreachable,
)
from tests.handlers.apiserver import hang_up, refusal
from tests.handlers.scene import CHESS, POD, PODS, SECOND_POD, Scene
from tests.unit.plan.objects import (
    a_session,
    game,
    pod,
    ready_status,
    session,
    waiting,
)

# Answers to the making of a pod -------------------------------------------------------------------


async def test_a_pod_that_an_earlier_try_made_is_adopted(scene: Scene) -> None:
    scene.start(game(), session())
    scene.server.store(pod())  # its answer was lost, and the watch is late
    await scene.look_until_done()
    assert len(scene.server.all("pods")) == 1
    assert scene.status()["podUID"] == pod()["metadata"]["uid"]
    assert not scene.store.expected


async def test_a_pod_of_that_name_that_is_not_ours_is_let_be(scene: Scene) -> None:
    foreign = pod(of=session(uid="uid-of-the-life-before"), uid="foreign")
    foreign["metadata"]["name"] = POD
    scene.start(game(), session())
    scene.server.store(foreign)
    await scene.look_until_done()
    assert scene.status()["podName"] == SECOND_POD
    assert len(scene.server.all("pods")) == 2


async def test_a_pod_that_is_on_its_way_out_is_not_waited_for(scene: Scene) -> None:
    scene.start(game(), session())
    scene.server.store(pod(deleting=30))
    await scene.look_until_done()
    assert scene.status()["podName"] == SECOND_POD


QUOTA = 'pods "x" is forbidden: exceeded quota: few, requested: pods=1, used: pods=1'


@pytest.mark.parametrize(
    ("message", "reason"),
    [(QUOTA, "QuotaExceeded"), ('admission webhook "w" denied the request', "PodForbidden")],
)
async def test_a_pod_that_is_forbidden_now_is_waited_for(
    scene: Scene, message: str, reason: str
) -> None:
    forbidden = scene.server[f"post {PODS}"][:1] << refusal(403, "Forbidden", message)
    scene.start(game(limits={"maxSessions": 1}), session())
    await scene.look()
    assert scene.reason() == ("Pending", reason)
    assert message in scene.status()["conditions"][0]["message"]
    assert scene.looks[-1] == (a_session().name, 5)
    assert scene.store.occupied(CHESS) == set(), "it takes no place meanwhile"
    assert len(list(forbidden)) == 1
    await scene.look_until_done()
    assert scene.reason() == ("Starting", "PodStarting")


@pytest.mark.parametrize("code", [400, 422])
async def test_a_pod_that_can_never_be_fails_the_session(scene: Scene, code: int) -> None:
    scene.server[f"post {PODS}"] << refusal(code, "Invalid", "spec.containers[0].image: Required")
    scene.start(game(), session())
    await scene.look()
    assert scene.reason() == ("Failed", "PodInvalid")
    assert scene.status()["conditions"][0]["message"] == "spec.containers[0].image: Required"
    assert not scene.store.expected


@pytest.mark.parametrize(
    ("answer", "error", "keeps_its_place"),
    [
        pytest.param(refusal(404, "NotFound"), Gone, False, id="the namespace is gone"),
        pytest.param(refusal(429, "TooManyRequests"), Throttled, False, id="too many requests"),
        pytest.param(refusal(500, "InternalError"), ServerFault, True, id="it may have happened"),
        pytest.param(refusal(504, "Timeout"), ServerFault, True, id="it may have happened, too"),
        pytest.param(hang_up, Unreachable, True, id="no answer: it may have happened"),
    ],
)
async def test_another_try(
    scene: Scene, answer: Any, error: type[Exception], keeps_its_place: bool
) -> None:
    """Only of a refusal do we know that no pod was made, and that another may have the place."""
    scene.server[f"post {PODS}"][:1] << answer
    scene.start(game(), session())
    with pytest.raises(error):
        await scene.look()
    assert (scene.store.occupied(CHESS) == {"uid-of-alice"}) is keeps_its_place
    await scene.look_until_done()
    assert scene.reason() == ("Starting", "PodStarting")
    assert len(scene.server.all("pods")) == 1


async def test_a_quota_that_is_being_counted_is_no_pod_of_that_name(scene: Scene) -> None:
    """The API server answers 409 then, too: "the object has been modified"."""
    message = 'Operation cannot be fulfilled on resourcequotas "few"'
    scene.server[f"post {PODS}"][:1] << refusal(409, "Conflict", message)
    scene.start(game(), session())
    with pytest.raises(Gone):
        await scene.look()
    await scene.look_until_done()
    assert scene.status()["podName"] == POD


async def test_a_pod_that_was_made_though_no_answer_came_is_no_second_one(scene: Scene) -> None:
    def make_and_hang_up(request: Any) -> bytes:
        scene.server.store(pod())
        return hang_up(request)

    scene.server[f"post {PODS}"][:1] << make_and_hang_up
    scene.start(game(), session())
    with pytest.raises(Unreachable):
        await scene.look()
    await scene.look_until_done()
    assert len(scene.server.all("pods")) == 1
    assert scene.status()["podName"] == POD


# Answers to the deletion of a pod -----------------------------------------------------------------


def doubled(scene: Scene) -> None:
    """A session that is Ready with its first pod, and has another one."""
    serving = pod(ready=True)
    scene.start(game(), session(status=ready_status(serving)), serving, pod(2))


async def test_a_pod_too_many_is_deleted_by_its_uid(scene: Scene) -> None:
    doubled(scene)
    await scene.look()
    [request] = scene.server.requests
    assert (request.method, request.url.path) == ("DELETE", f"{PODS}/{SECOND_POD}")
    assert request.data["preconditions"] == {"uid": pod(2)["metadata"]["uid"]}
    assert request.data["propagationPolicy"] == "Background"
    await scene.look()
    assert len(scene.server.requests) == 1, "its answer is believed"


async def test_a_pod_that_is_gone_already_is_forgotten(scene: Scene) -> None:
    doubled(scene)
    scene.server.remove(pod(2))
    await scene.look()
    assert len(scene.store.pods_of("uid-of-alice")) == 1
    assert scene.asked_to_compare == 1, "what else did the watch not tell?"


async def test_another_pod_of_that_name_lives_on(scene: Scene) -> None:
    doubled(scene)
    scene.server.store(pod(2, uid="another"))
    await scene.look()
    assert [each["metadata"]["uid"] for each in scene.server.all("pods")][1] == "another"
    assert "deletionTimestamp" not in scene.server.all("pods")[1]["metadata"]
    assert scene.asked_to_compare == 1


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (refusal(429, "TooManyRequests"), Throttled),
        (refusal(500, "InternalError"), ServerFault),
    ],
)
async def test_a_deletion_that_was_not_taken_is_tried_again(
    scene: Scene, answer: Any, error: type[Exception]
) -> None:
    scene.server["delete"][:1] << answer
    doubled(scene)
    with pytest.raises(error):
        await scene.look()
    await scene.look_until_done()
    assert [each.is_alive for each in scene.store.pods_of("uid-of-alice")].count(True) == 1


async def test_the_pod_of_a_failed_session_goes_after_its_reason_stands(scene: Scene) -> None:
    hopeless = pod(containers=[waiting("InvalidImageName")])
    scene.start(game(), session(), hopeless)
    await scene.look_until_done()
    assert scene.server.writes == ["PATCH gamesessions/status", "DELETE pods"]
