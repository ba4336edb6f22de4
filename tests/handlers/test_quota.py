"""A quota that leaves no room: sessions come before pods that only wait, and in their order."""

from __future__ import annotations

import pytest

from gamesession.api.labels import ROLE_LABEL, ROLE_WARM
from gamesession.api.names import session_name
from gamesession.kube.cluster import Object
from tests.handlers.scene import CHESS, Scene
from tests.unit.plan.objects import condition, game, session

DRAUGHTS = (CHESS[0], "draughts")


async def fill(scene: Scene, key: tuple[str, str] = CHESS) -> None:
    """The Game's pool is filled, and the operator hears of it."""
    await scene.pools.reconcile(key)
    scene.tell()


@pytest.fixture(autouse=True)
def pods_are_gone_at_once(scene: Scene) -> None:
    scene.server.grace = None


def waiting_pods(scene: Scene) -> list[Object]:
    """The pods that wait and that nobody has deleted."""
    return [
        each
        for each in scene.server.all("pods")
        if each["metadata"]["labels"].get(ROLE_LABEL) == ROLE_WARM
        and "deletionTimestamp" not in each["metadata"]
    ]


async def test_a_pod_that_waits_goes_first_whichever_game_s(scene: Scene) -> None:
    scene.start(game(), game("draughts", warmPool={"size": 2}), session())
    scene.server.quota = 2
    await fill(scene, DRAUGHTS)
    await scene.look()
    assert scene.reason() == ("Pending", "QuotaExceeded")
    assert len(waiting_pods(scene)) == 1
    await scene.look_until_done()
    assert scene.reason() == ("Starting", "PodStarting")


async def test_no_other_takes_its_place_until_the_session_has_tried_again(scene: Scene) -> None:
    scene.start(game(), game("draughts", warmPool={"size": 1}), session())
    scene.server.quota = 1
    await fill(scene, DRAUGHTS)
    await scene.look()
    scene.seconds = 10
    await fill(scene, DRAUGHTS)
    assert waiting_pods(scene) == []
    assert scene.looks[-1] == ("draughts", 5)
    scene.seconds = 15
    await fill(scene, DRAUGHTS)
    assert len(waiting_pods(scene)) == 1


async def test_one_that_is_not_ready_goes_before_one_that_is(scene: Scene) -> None:
    scene.start(game(), game("draughts", warmPool={"size": 2}), session())
    await fill(scene, DRAUGHTS)
    ready, _ = scene.server.all("pods")
    scene.change_pod(ready, podIP="10.0.0.1", conditions=[condition("Ready", "True", "")])
    scene.server.quota = 2
    await scene.look()
    [left] = waiting_pods(scene)
    assert left["metadata"]["uid"] == ready["metadata"]["uid"]


async def test_a_pool_that_does_not_fit_gives_up_one_of_an_old_template(scene: Scene) -> None:
    """Else it would keep the old ones for ever."""
    old = game(warmPool={"size": 2})
    scene.start(old)
    await fill(scene)
    made_before = {each["metadata"]["uid"] for each in waiting_pods(scene)}
    for each in waiting_pods(scene):
        scene.change_pod(each, podIP="10.0.0.1", conditions=[condition("Ready", "True", "")])
    edited = game(warmPool={"size": 2}, template=with_image("chess:2"))
    edited["metadata"]["generation"] = 2
    edited["status"]["conditions"][0]["observedGeneration"] = 2
    scene.start(edited)
    scene.server.quota = 2
    await fill(scene)
    left = {each["metadata"]["uid"] for each in waiting_pods(scene)}
    assert made_before - left
    scene.seconds = 60
    await fill(scene)
    assert {each["metadata"]["uid"] for each in waiting_pods(scene)} - made_before


async def test_who_waited_longest_gets_the_pod_that_becomes_ready(scene: Scene) -> None:
    scene.start(game(warmPool={"size": 1}), session(), session("bob", created=1))
    scene.server.quota = 0
    for user in ("alice", "bob"):
        await scene.look(user)
        assert scene.reason(user) == ("Pending", "QuotaExceeded")
    scene.server.quota, scene.seconds = 1, 60
    await fill(scene)
    scene.serve()
    await scene.look("bob")
    assert scene.reason("bob") == ("Pending", "QuotaExceeded")
    await scene.look("alice")
    assert scene.reason("alice") == ("Ready", "PodReady")
    assert scene.status("alice")["startKind"] == "Warm"


async def test_a_pod_that_becomes_ready_wakes_who_waited_longest(scene: Scene) -> None:
    scene.start(game(warmPool={"size": 1}), session(), session("bob", created=1))
    scene.server.quota = 0
    await scene.look("alice")
    await scene.look("bob")
    scene.server.quota, scene.seconds = 1, 60
    await fill(scene)
    scene.queue.tasks.clear()
    scene.serve()
    assert [task.key[1] for task in scene.queue.tasks if task.kind == "session"] == [
        session_name("chess", "alice")
    ]


def with_image(image: str) -> Object:
    """A template of another pod."""
    return {"spec": {"containers": [{"name": "agent", "image": image}]}}


async def test_who_tries_again_before_the_room_is_there_takes_no_second_pod(scene: Scene) -> None:
    """That its status was told is a reason to look again; and a pod takes its time to go."""
    scene.start(game(), game("draughts", warmPool={"size": 3}), session())
    scene.server.quota = 3
    scene.server.grace = 30
    await fill(scene, DRAUGHTS)
    for second in (0, 5, 10, 15):
        scene.seconds = second
        await scene.look()
        await fill(scene, DRAUGHTS)
        assert len(waiting_pods(scene)) == 2
    for each in scene.server.all("pods"):
        if "deletionTimestamp" in each["metadata"]:
            scene.server.remove(each)
    scene.tell()
    await scene.look_until_done()
    assert scene.reason() == ("Starting", "PodStarting")


async def test_each_of_those_who_wait_gets_its_room(scene: Scene) -> None:
    scene.start(game(), game("draughts", warmPool={"size": 3}), session(), session("bob"))
    scene.server.quota = 3
    scene.server.grace = 30
    await fill(scene, DRAUGHTS)
    for user in ("alice", "bob", "alice", "bob"):
        await scene.look(user)
    assert len(waiting_pods(scene)) == 1
