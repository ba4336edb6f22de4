"""`maxSessions`: who gets the next place."""

from __future__ import annotations

from tests.handlers.scene import Scene
from tests.unit.plan.objects import game, session


async def test_of_those_who_wait_the_first_gets_the_place(scene: Scene) -> None:
    one = game(limits={"maxSessions": 1})
    scene.start(one, session("bob", created=1), session("ann", created=0))
    await scene.look("bob")
    await scene.look("ann")
    assert scene.reason("bob") == ("Pending", "AwaitingCapacity")
    await scene.look_until_done("ann", "bob")
    [owner] = scene.server.one("pods")["metadata"]["ownerReferences"]
    assert owner["uid"] == "uid-of-ann"
    assert scene.reason("ann")[0] == "Starting"


async def test_a_place_that_is_free_goes_to_the_next(scene: Scene) -> None:
    one = game(limits={"maxSessions": 1})
    scene.start(one, session("ann"), session("bob", created=1))
    await scene.look_until_done("ann", "bob")
    scene.server.remove(session("ann"))
    scene.server.remove(scene.server.one("pods"))
    scene.tell()
    await scene.look_until_done("bob")
    assert scene.reason("bob")[0] == "Starting"
