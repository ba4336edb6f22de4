"""What becomes of each kind of answer when a session's status is written."""

from __future__ import annotations

from typing import Any

import pytest

from gamesession.kube.errors import (
    Conflict,
    Gone,
    Invalid,
    ServerFault,
    Throttled,
    Unreachable,
)
from tests.handlers.apiserver import hang_up, refusal
from tests.handlers.scene import STATUS, Scene
from tests.unit.plan.objects import (
    game,
    pod,
    session,
    status,
    text,
)


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


async def test_activity_that_is_written_all_the_while_does_not_keep_the_status_back(
    scene: Scene,
) -> None:
    """Of a short timeout it is, by several gateways: the operator would never be the only one."""
    serving = pod(ready=True)
    used = status("Starting", pod=serving, readyAt=text(-60), lastActivity=text(-9))
    overtaken = 0

    async def be_overtaken(request: Any) -> Any:
        nonlocal overtaken
        overtaken += 1
        [found] = scene.server.all("gamesessions")
        stamp = {"lastActivity": text(-9 + overtaken)}
        scene.server.store(found | {"status": found["status"] | stamp})
        return scene.server._patch(request)

    scene.server[f"patch {STATUS}"][:3] << be_overtaken
    scene.start(game(), session(status=used), serving)
    await scene.look()
    assert overtaken == 3
    assert scene.reason() == ("Ready", "PodReady")
    assert scene.status()["lastActivity"] == text(-6)
    assert scene.asked_to_compare == 0


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
