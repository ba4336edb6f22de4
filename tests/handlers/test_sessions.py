"""One look at one session: which requests it makes, and what becomes of each kind of answer."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest
from structlog.testing import capture_logs

from gamesession.kube.errors import (
    ApiError,
    Conflict,
    Gone,
    Invalid,
    ServerFault,
    Throttled,
    Unreachable,
)
from tests.handlers.apiserver import hang_up, refusal
from tests.handlers.scene import CHESS, Scene
from tests.unit.plan.objects import (
    Object,
    a_session,
    condition,
    game,
    pod,
    ready_status,
    running,
    session,
    status,
    stopped_pod,
    text,
    waiting,
)

PODS = "/api/v1/namespaces/games/pods"
SESSION = f"/apis/gamelibrary.io/v1alpha1/namespaces/games/gamesessions/{a_session().name}"
STATUS = f"{SESSION}/status"
POD = pod()["metadata"]["name"]
SECOND_POD = pod(2)["metadata"]["name"]


async def serve(scene: Scene, ip: str = "10.0.0.1") -> None:
    """Kubelet has the only pod run and ready."""
    ready = condition("Ready", "True", "", since=scene.seconds)
    [found] = scene.server.all("pods")
    scene.change_pod(found, phase="Running", podIP=ip, conditions=[ready])


# The cold path ----------------------------------------------------------------------------------


async def test_a_cold_start_takes_three_writes(scene: Scene) -> None:
    scene.start(game(), session())
    await scene.look_until_done()
    await serve(scene)
    await scene.look_until_done()
    assert scene.server.writes == [
        "POST pods",
        "PATCH gamesessions/status",
        "PATCH gamesessions/status",
    ]
    assert scene.reason() == ("Ready", "PodReady")


async def test_the_pod_is_made_for_the_session(scene: Scene) -> None:
    scene.start(game(), session())
    await scene.look()
    [request] = scene.server.requests
    assert request.url.path == PODS
    assert dict(request.params) == {"fieldValidation": "Strict"}
    meta = request.data["metadata"]
    assert meta["name"] == POD
    [owner] = meta["ownerReferences"]
    assert (owner["uid"], owner["controller"]) == ("uid-of-alice", True)
    assert "blockOwnerDeletion" not in owner
    assert "alice" not in str(request.data["spec"])


async def test_the_status_is_a_merge_patch_guarded_by_the_version(scene: Scene) -> None:
    scene.start(game(), session())
    known = scene.server.one("gamesessions")["metadata"]["resourceVersion"]
    await scene.look()
    await scene.look()
    request = scene.server.requests[-1]
    assert request.url.path == STATUS
    assert request.headers["Content-Type"] == "application/merge-patch+json"
    assert request.data["metadata"] == {"resourceVersion": known}
    assert request.data["status"]["podName"] == POD
    assert request.data["status"]["startedAt"] == text(0)


async def test_the_answers_are_believed_before_any_watch_tells(scene: Scene) -> None:
    scene.start(game(), session())
    await scene.look_until_done()
    assert scene.reason() == ("Starting", "PodStarting")
    assert scene.server.writes == ["POST pods", "PATCH gamesessions/status"]


async def test_a_start_asks_to_be_looked_at_when_it_has_taken_too_long(scene: Scene) -> None:
    scene.start(game(), session())
    await scene.look_until_done()
    assert scene.looks[-1] == (a_session().name, 120)


async def test_nothing_is_written_of_sessions_that_go_on_as_they_do(scene: Scene) -> None:
    serving = pod(ready=True)
    scene.start(game(), session(status=ready_status(serving)), serving)
    await scene.look()
    assert scene.server.requests == []


async def test_a_session_that_is_gone_or_going_is_left_alone(scene: Scene) -> None:
    scene.start(game(), session(deleting=True))
    await scene.look()
    await scene.look("nobody")
    assert scene.server.requests == []


# Telling ----------------------------------------------------------------------------------------


async def test_a_session_that_is_ready_is_logged_with_how_long_it_took(scene: Scene) -> None:
    scene.start(game(), session())
    await scene.look_until_done()
    scene.seconds = 2.5
    await serve(scene)
    with capture_logs() as lines:
        await scene.look_until_done()
    assert lines == [
        {
            "event": "session ready",
            "log_level": "info",
            "user": "alice",
            "game": "chess",
            "session": a_session().name,
            "start": "cold",
            "seconds": 2.5,
        }
    ]
    event = await scene.event("Ready")
    assert event["regarding"]["uid"] == "uid-of-alice"
    assert event["note"] == f"Pod {POD} serves after 2.50 s."


async def test_a_replacements_start_is_counted_from_when_it_began(scene: Scene) -> None:
    before = ready_status(pod(ready=True)) | {"phase": "Starting", "startingSince": text(100)}
    scene.start(game(), session(status=before), pod(ready=True))
    scene.seconds = 103
    with capture_logs() as lines:
        await scene.look()
    assert [(line["event"], line["seconds"]) for line in lines] == [("session ready", 3)]


async def test_a_session_that_fails_is_logged_with_the_reason(scene: Scene) -> None:
    hopeless = pod(containers=[waiting("InvalidImageName", "no such image")])
    scene.start(game(), session(), hopeless)
    with capture_logs() as lines:
        await scene.look()
    words = "Container agent cannot start: no such image"
    assert [(line["event"], line["reason"], line["message"]) for line in lines] == [
        ("session failed", "InvalidImageName", words)
    ]
    assert (lines[0]["user"], lines[0]["game"]) == ("alice", "chess")
    event = await scene.event("InvalidImageName")
    assert (event["type"], event["note"]) == ("Warning", words)


async def test_an_event_that_cannot_be_posted_is_no_obstacle(scene: Scene) -> None:
    scene.server["post", km_path("events")] << 403 << {"reason": "Forbidden"}
    scene.start(game(), session(), pod(ready=True))
    await scene.look_until_done()
    assert scene.reason()[0] == "Ready"


def km_path(plural: str) -> str:
    return f"/apis/events.k8s.io/v1/namespaces/games/{plural}"


async def test_the_end_of_a_silent_containers_log_is_told(scene: Scene) -> None:
    silent = pod(ip="10.0.0.1", containers=[running()])
    starting = status("Starting", pod=silent, startingSince=text(0))
    scene.server[f"get {PODS}/{POD}/log"] << b"loading...\nno database\n"
    scene.start(game(session={"startTimeout": "10s"}), session(status=starting), silent)
    scene.seconds = 10
    await scene.look()
    assert scene.status()["conditions"][0]["message"] == (
        f"Pod {POD} was not ready within 10s. The end of its log: loading...\nno database"
    )
    [request] = [each for each in scene.server.requests if each.subresource == "log"]
    assert request.params["container"] == "agent"


@pytest.mark.parametrize(
    "answer",
    [refusal(400, "BadRequest"), refusal(404, "NotFound"), refusal(500, "Fault"), hang_up],
)
async def test_a_log_that_cannot_be_read_is_no_obstacle(scene: Scene, answer: Any) -> None:
    silent = pod(ip="10.0.0.1", containers=[running()])
    starting = status("Starting", pod=silent, startingSince=text(0))
    scene.server[f"get {PODS}/{POD}/log"] << answer
    scene.start(game(session={"startTimeout": "10s"}), session(status=starting), silent)
    scene.seconds = 10
    await scene.look()
    assert scene.reason() == ("Failed", "StartTimeout")


# Answers to the making of a pod -----------------------------------------------------------------


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


# Answers to a status ----------------------------------------------------------------------------


async def test_what_somebody_wrote_in_between_is_read_and_stands(scene: Scene) -> None:
    scene.start(game(), session(), pod(ready=True))
    [written] = scene.server.all("gamesessions")
    scene.server.store(written | {"status": {"lastActivity": text(-3)}})
    with pytest.raises(Conflict):
        await scene.look()
    assert scene.asked_to_compare == 1
    known = scene.store.session_of_uid("uid-of-alice")
    assert known is not None
    assert known.last_activity is not None
    await scene.look_until_done()
    assert scene.status()["phase"] == "Ready"


async def test_a_session_that_is_gone_is_forgotten(scene: Scene) -> None:
    scene.start(game(), session(), pod())
    scene.server.remove(session())
    with pytest.raises(Gone):
        await scene.look()
    assert scene.store.session_of_uid("uid-of-alice") is None
    assert scene.asked_to_compare == 1
    await scene.look()


async def test_the_next_life_gets_no_status_of_the_first(scene: Scene) -> None:
    scene.start(game(), session(), pod())
    scene.server.store(session(uid="uid-of-the-next", created=60))
    with pytest.raises(Conflict):
        await scene.look()
    assert scene.status() == {}
    assert scene.store.session_of_uid("uid-of-alice") is None
    assert scene.store.session_of_uid("uid-of-the-next") is not None


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (refusal(422, "Invalid"), Invalid),
        (refusal(429, "TooManyRequests"), Throttled),
        (refusal(500, "InternalError"), ServerFault),
        (hang_up, Unreachable),
    ],
)
async def test_a_status_that_was_not_taken_is_written_again(
    scene: Scene, answer: Any, error: type[Exception]
) -> None:
    scene.server[f"patch {STATUS}"][:1] << answer
    scene.start(game(), session(), pod(ready=True))
    with pytest.raises(error):
        await scene.look()
    await scene.look_until_done()
    assert scene.reason() == ("Ready", "PodReady")


# Answers to the deletion of a pod ---------------------------------------------------------------


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


# Adoption ---------------------------------------------------------------------------------------


async def test_a_session_made_by_hand_gets_labels_and_owner(scene: Scene) -> None:
    scene.start(game(), session(adopted=False))
    scene.server.one("gamesessions")["metadata"]["labels"] = {"mine": "yes"}
    known = scene.server.one("gamesessions")["metadata"]["resourceVersion"]
    await scene.look()
    assert scene.server.writes == ["POST pods", "PATCH gamesessions"]
    request = scene.server.requests[-1]
    assert request.headers["Content-Type"] == "application/merge-patch+json"
    assert request.data["metadata"]["uid"] == "uid-of-alice"
    assert request.data["metadata"]["resourceVersion"] == known
    meta = scene.server.one("gamesessions")["metadata"]
    assert meta["labels"] == {
        "mine": "yes",
        "gamelibrary.io/game": "chess",
        "gamelibrary.io/session": a_session().name,
    }
    [owner] = meta["ownerReferences"]
    assert (owner["kind"], owner["uid"]) == ("Game", "uid-of-chess")
    assert "controller" not in owner
    assert "blockOwnerDeletion" not in owner


async def test_it_keeps_the_owners_it_has(scene: Scene) -> None:
    mine = session(adopted=False)
    other = {"apiVersion": "v1", "kind": "ConfigMap", "name": "x", "uid": "uid-of-x"}
    mine["metadata"]["ownerReferences"] = [other]
    scene.start(game(), mine)
    await scene.look()
    owners = scene.server.one("gamesessions")["metadata"]["ownerReferences"]
    assert [each["uid"] for each in owners] == ["uid-of-x", "uid-of-chess"]


async def test_it_is_adopted_once(scene: Scene) -> None:
    scene.start(game(), session(adopted=False))
    await scene.look_until_done()
    assert scene.server.writes.count("PATCH gamesessions") == 1


async def test_somebody_elses_write_during_adoption_stands(scene: Scene) -> None:
    def write(request: Any) -> Any:
        answer = copy.deepcopy(scene.server.one("gamesessions"))
        written = copy.deepcopy(answer)
        written["status"]["lastActivity"] = text(-3)
        scene.server.store(written)
        return answer

    scene.server[f"get {SESSION}"][:1] << write
    scene.start(game(), session(adopted=False), pod())
    with pytest.raises(Conflict):
        await scene.look()
    await scene.look_until_done()
    assert scene.status()["lastActivity"] == text(-3)
    assert "gamelibrary.io/game" in scene.server.one("gamesessions")["metadata"]["labels"]


async def test_the_next_life_is_not_adopted_in_the_place_of_the_first(scene: Scene) -> None:
    scene.start(game(), session(adopted=False), pod(ready=True))
    scene.server.remove(session())
    scene.server.store(session(adopted=False, uid="uid-of-the-next"))
    with pytest.raises(ApiError):
        await scene.look()
    assert "labels" not in scene.server.one("gamesessions")["metadata"]


# maxSessions ------------------------------------------------------------------------------------


async def test_of_those_who_wait_the_first_gets_the_place(scene: Scene) -> None:
    one = game(limits={"maxSessions": 1})
    scene.start(one, session("bob", created=1), session("ann", created=0))
    await scene.look("bob")
    await scene.look("ann")
    assert scene.reason("bob") == ("Pending", "AwaitingCapacity")
    assert [each["metadata"]["labels"]["gamelibrary.io/start"] for each in pods(scene)] == ["Cold"]
    await scene.look_until_done("ann", "bob")
    assert len(pods(scene)) == 1
    assert scene.reason("ann")[0] == "Starting"


def pods(scene: Scene) -> list[Object]:
    return scene.server.all("pods")


async def test_a_place_that_is_free_goes_to_the_next(scene: Scene) -> None:
    one = game(limits={"maxSessions": 1})
    scene.start(one, session("ann"), session("bob", created=1))
    await scene.look_until_done("ann", "bob")
    scene.server.remove(session("ann"))
    [gone] = pods(scene)
    scene.server.remove(gone)
    scene.tell()
    await scene.look_until_done("bob")
    assert scene.reason("bob")[0] == "Starting"


# Any answer to any request ----------------------------------------------------------------------


async def live(scene: Scene) -> None:
    """A session starts, its container stops, and another pod takes its place."""
    await scene.look_until_done()
    await serve(scene)
    await scene.look_until_done()
    [found] = pods(scene)
    scene.change_pod(found, **stopped_pod(finished=0)["status"])
    await scene.look_until_done()
    scene.seconds += 2
    scene.server.grace = None
    await scene.look_until_done()
    await serve(scene)
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


def is_write(request: Any) -> bool:
    return request.method != "GET" and "events" not in request.url.path


async def test_the_life_that_faults_are_injected_in(scene: Scene) -> None:
    scene.start(game(), session())
    await live(scene)
    assert scene.server.writes == WRITES


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("number", range(len(WRITES)))
@pytest.mark.parametrize("happened", [False, True])
async def test_any_answer_to_any_write_leaves_it_neither_stuck_nor_doubled(
    scene: Scene, number: int, fault: str, happened: bool
) -> None:
    """Whether what was asked happened or not: one pod, Ready, one failure counted."""

    def at_number(request: Any) -> bool:
        writes = [each for each in scene.server.requests if is_write(each)]
        return any(each is request for each in writes[number : number + 1])

    async def answer(request: Any) -> Any:
        if happened:
            act: dict[str, Callable[[Any], Object]] = {
                "POST": scene.server._create,
                "PATCH": scene.server._patch,
                "DELETE": scene.server._delete,
            }
            act[request.method.value](request)
        if isinstance(FAULTS[fault], Exception):
            raise FAULTS[fault]
        return FAULTS[fault](request)

    scene.server[at_number] << answer
    scene.start(game(), session())
    await live(scene)
    scene.tell()
    await scene.look_until_done()
    assert scene.reason() == ("Ready", "PodReady")
    assert [each["metadata"]["uid"] for each in pods(scene)] == [scene.status()["podUID"]]
    assert scene.status()["restarts"] == 1
    assert scene.status()["failures"] == 0
