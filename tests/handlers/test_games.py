"""One look at one Game: the dry run of its pod, and its status."""

from __future__ import annotations

from typing import Any

import pytest

from gamesession.controller import games as module
from gamesession.kube.errors import Conflict, Gone, ServerFault, Throttled, Unreachable
from gamesession.plan.game import Acceptance
from tests.handlers.apiserver import hang_up, refusal
from tests.handlers.scene import CHESS, Scene
from tests.unit.plan.objects import (
    Object,
    a_game,
    condition,
    game,
    pod,
    ready_status,
    session,
    status,
    text,
)

PODS = "/api/v1/namespaces/games/pods"
STATUS = "/apis/gamelibrary.io/v1alpha1/namespaces/games/games/chess/status"


class Clock:
    """Seconds that only move forward."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    found = Clock()
    monkeypatch.setattr(module, "time", type("time", (), {"monotonic": found}))
    return found


def new_game(**spec: Any) -> Object:
    """A Game of which nothing has been said yet."""
    return game(accepted="", **spec)


async def look(scene: Scene) -> None:
    await scene.games.reconcile(CHESS)


def dry_runs(scene: Scene) -> list[Any]:
    return [each for each in scene.server.requests if "dryRun" in each.params]


def accepted(scene: Scene) -> Object:
    return said(scene, "Accepted")


def said(scene: Scene, kind: str) -> Object:
    """A condition of the only Game."""
    conditions: list[Object] = scene.server.one("games")["status"]["conditions"]
    return next(each for each in conditions if each["type"] == kind)


# Acceptance -------------------------------------------------------------------------------------


async def test_the_api_server_itself_is_asked_about_the_pod(scene: Scene) -> None:
    scene.start(new_game())
    await look(scene)
    [request] = dry_runs(scene)
    assert (request.method, request.url.path) == ("POST", PODS)
    assert dict(request.params) == {"dryRun": "All", "fieldValidation": "Strict"}
    assert request.data["kind"] == "Pod"
    assert scene.server.all("pods") == []
    assert (accepted(scene)["status"], accepted(scene)["reason"]) == ("True", "Accepted")


async def test_it_is_asked_once(scene: Scene) -> None:
    scene.start(new_game())
    for _ in range(3):
        await look(scene)
    assert len(dry_runs(scene)) == 1
    scene.store.see_game(scene.server.store(edited(session={"idleTimeout": "9m"})))
    await look(scene)
    assert len(dry_runs(scene)) == 1, "an edit that changes no pod"


def edited(**spec: Any) -> Object:
    found = new_game(**spec)
    found["metadata"]["generation"] = 2
    return found


async def test_another_template_is_another_question(scene: Scene) -> None:
    scene.start(new_game())
    await look(scene)
    scene.store.see_game(scene.server.store(edited(services=[{"name": "agent", "port": 9000}])))
    await look(scene)
    assert len(dry_runs(scene)) == 2


async def test_its_refusal_is_told_in_its_own_words(scene: Scene) -> None:
    scene.server[f"post {PODS}"] << refusal(422, "Invalid", "spec.containers[0].image: Required")
    scene.start(new_game())
    await look(scene)
    found = accepted(scene)
    assert (found["status"], found["reason"]) == ("False", "TemplateInvalid")
    assert found["message"] == "spec.containers[0].image: Required"
    assert scene.catalogue.acceptance(a_game())[0] is Acceptance.FALSE


@pytest.mark.parametrize(
    "answer",
    [
        refusal(403, "Forbidden", "exceeded quota: few"),
        refusal(429, "TooManyRequests"),
        refusal(500, "InternalError"),
        refusal(409, "Conflict"),
        hang_up,
    ],
)
async def test_what_says_nothing_about_the_pod_is_asked_again(scene: Scene, answer: Any) -> None:
    scene.server[f"post {PODS}"][:1] << answer
    scene.start(new_game())
    await look(scene)
    assert accepted(scene)["status"] == "Unknown"
    assert [name for name, seconds in scene.looks if seconds <= 1] == ["chess"]
    await look(scene)
    assert scene.catalogue.acceptance(a_game())[0] is Acceptance.TRUE


async def test_what_we_refuse_ourselves_the_api_server_is_not_asked_about(scene: Scene) -> None:
    template = new_game()["spec"]["template"]
    template["spec"]["hostNetwork"] = True
    scene.start(new_game(template=template))
    await look(scene)
    assert dry_runs(scene) == []
    assert (accepted(scene)["status"], accepted(scene)["reason"]) == ("False", "TemplateRefused")
    assert "hostNetwork" in accepted(scene)["message"]


async def test_the_newer_game_of_a_route_is_refused(scene: Scene) -> None:
    scene.start(new_game(), game("older", route="chess", created=-9999))
    await look(scene)
    found = next(x for x in scene.server.all("games") if x["metadata"]["name"] == "chess")
    assert found["status"]["conditions"][0]["reason"] == "RouteConflict"
    assert dry_runs(scene) == []


# Status -----------------------------------------------------------------------------------------


async def test_the_status_is_a_merge_patch_guarded_by_the_version(scene: Scene) -> None:
    scene.start(new_game())
    known = scene.server.one("games")["metadata"]["resourceVersion"]
    await look(scene)
    request = scene.server.requests[-1]
    assert (request.method, request.url.path) == ("PATCH", STATUS)
    assert request.headers["Content-Type"] == "application/merge-patch+json"
    assert request.data["metadata"] == {"resourceVersion": known}


async def test_it_counts_the_sessions_by_phase(scene: Scene) -> None:
    scene.start(
        new_game(),
        session("ann"),
        session("bob", status=status("Pending")),
        session("cid", status=status("Starting")),
        session("dan", status=ready_status(pod(ready=True))),
        session("eve", status=status("Failed")),
        session("fay", "draughts"),
    )
    await look(scene)
    found = scene.server.one("games")["status"]
    assert found["sessions"] == {"pending": 2, "starting": 1, "ready": 1, "failed": 1}
    assert found["warm"] == {"ready": 0, "starting": 0}
    assert (found["route"], found["observedGeneration"]) == ("chess", 1)


async def test_it_says_whether_sessions_start(scene: Scene, clock: Clock) -> None:
    scene.start(new_game())
    await look(scene)
    assert said(scene, "Ready")["status"] == "Unknown"
    for number, expected in enumerate(("Unknown", "Unknown", "False")):
        user = f"user-{number}"
        failed = status("Failed", failedAt=text(5 + number), reason="ErrImagePull")
        scene.start(session(user, status=failed))
        scene.seconds += 5
        clock.seconds += 5
        await look(scene)
        found = said(scene, "Ready")
        assert found["status"] == expected, "the third in a row"
        scene.server.remove(session(user))
        scene.tell()
    assert found["reason"] == "StartsFailing"
    assert "ErrImagePull" in found["message"]
    scene.begin()  # also after a restart
    scene.tell()
    clock.seconds += 5
    await look(scene)
    assert said(scene, "Ready")["status"] == "False", "until another start succeeds"
    scene.start(session("bob", status=ready_status(pod(ready=True), since=20)))
    clock.seconds += 5
    await look(scene)
    assert said(scene, "Ready")["status"] == "True"


async def test_nothing_is_written_that_stands_there(scene: Scene) -> None:
    scene.start(new_game())
    await look(scene)
    scene.begin()  # also after a restart
    scene.tell()
    await look(scene)
    assert scene.server.writes == ["PATCH games/status"]


async def test_it_is_written_at_most_once_in_five_seconds(scene: Scene, clock: Clock) -> None:
    scene.start(new_game())
    await look(scene)
    scene.start(session())
    clock.seconds += 2
    await look(scene)
    assert scene.server.writes == ["PATCH games/status"]
    assert scene.looks[-1] == ("chess", 3), "and not forgotten"
    clock.seconds += 3
    await look(scene)
    assert scene.server.one("games")["status"]["sessions"]["pending"] == 1


async def test_the_time_of_the_last_turn_stays(scene: Scene) -> None:
    before = {"conditions": [condition("Accepted", "True", "Accepted", "Other words.", since=5)]}
    scene.start(game(status=before))
    await look(scene)
    assert accepted(scene)["lastTransitionTime"] == "2026-01-31T12:00:05Z"


async def test_what_somebody_wrote_in_between_is_read_first(scene: Scene) -> None:
    scene.start(new_game())
    scene.server.store(edited())
    with pytest.raises(Conflict):
        await look(scene)
    await look(scene)
    assert scene.server.one("games")["status"]["observedGeneration"] == 2


async def test_a_game_that_is_gone_is_forgotten(scene: Scene) -> None:
    scene.start(new_game())
    scene.server.remove(game())
    with pytest.raises(Gone):
        await look(scene)
    assert scene.store.games.get(CHESS) is None
    await look(scene)


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (refusal(429, "TooManyRequests"), Throttled),
        (refusal(500, "InternalError"), ServerFault),
        (hang_up, Unreachable),
    ],
)
async def test_a_status_that_was_not_taken_is_written_again(
    scene: Scene, answer: Any, error: type[Exception]
) -> None:
    """At once when the queue says so: what was not written counts for no interval."""
    scene.server[f"patch {STATUS}"][:1] << answer
    scene.start(new_game())
    with pytest.raises(error):
        await look(scene)
    await look(scene)
    assert accepted(scene)["status"] == "True"
