"""From a session without a pod to one that is Ready: the requests it takes, and what is told."""

from __future__ import annotations

from typing import Any

import pytest
from structlog.testing import capture_logs

from tests.handlers.apiserver import hang_up, refusal
from tests.handlers.scene import POD, PODS, STATUS, Scene
from tests.unit.plan.objects import (
    a_session,
    game,
    pod,
    ready_status,
    running,
    session,
    status,
    text,
    waiting,
)

# The cold path ------------------------------------------------------------------------------------


async def test_a_cold_start_takes_three_writes(scene: Scene) -> None:
    scene.start(game(), session())
    await scene.look_until_done()
    scene.serve()
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


# Telling ------------------------------------------------------------------------------------------


async def test_a_session_that_is_ready_is_logged_with_how_long_it_took(scene: Scene) -> None:
    scene.start(game(), session())
    await scene.look_until_done()
    scene.seconds = 2.5
    scene.serve()
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
    events = "/apis/events.k8s.io/v1/namespaces/games/events"
    scene.server[f"post {events}"] << 403 << {"reason": "Forbidden"}
    scene.start(game(), session(), pod(ready=True))
    await scene.look_until_done()
    assert scene.reason()[0] == "Ready"


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
