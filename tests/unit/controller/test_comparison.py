"""The store compared with lists: what was missed, and which watch is deaf and which is not."""

from __future__ import annotations

import asyncio
import copy
from collections.abc import AsyncIterator, Callable
from typing import Any, cast

import pytest

from gamesession.controller import comparison as module
from gamesession.controller.comparison import INTERVAL, Comparison
from gamesession.controller.finalizer import FINALIZER
from gamesession.controller.hearing import DeafWatch, Listed
from gamesession.controller.store import Store
from gamesession.kube.cluster import Page
from gamesession.kube.contact import Contact
from gamesession.kube.errors import Gone, ServerFault
from gamesession.kube.resources import Resource
from tests.eventually import eventually
from tests.unit.plan.objects import NAMESPACE, Object, game, pod, session, version

ELSEWHERE = "elsewhere"


class Cluster:
    """An API server with a few objects."""

    def __init__(self) -> None:
        self.objects: list[Object] = []
        self.listed: list[Object] = []
        self.version = ""
        self.away = False
        self.time = 0.0
        self.contact = Contact(lambda: self.time)
        self.contact.succeeded()

    async def pages(self, resource: Resource, namespace: str, **_: Any) -> AsyncIterator[Page]:
        if self.away:
            raise ServerFault(500, {})
        found = (resource.kind, namespace)
        listed = [each for each in self.listed or self.objects if _is_of(each, *found)]
        yield listed, self.version or version()

    async def get(self, resource: Resource, namespace: str, name: str) -> Object:
        for each in self.objects:
            if (each["kind"], each["metadata"]["name"]) == (resource.kind, name):
                return each
        raise Gone(404, {})


def _is_of(found: Object, kind: str, namespace: str) -> bool:
    return (found["kind"], found["metadata"]["namespace"]) == (kind, namespace)


class Slow(Cluster):
    """An API server that never gives an object by name."""

    async def get(self, resource: Resource, namespace: str, name: str) -> Object:
        await asyncio.Event().wait()
        raise AssertionError


class Scene:
    """A store and an API server, each comparison as long after the one before as they are."""

    def __init__(self) -> None:
        self.cluster, self.store = Cluster(), Store()
        self.comparison = Comparison(
            cast(Any, self.cluster),
            self.store,
            [NAMESPACE, ELSEWHERE],
            clock=lambda: self.cluster.time,
        )

    async def compare(self) -> bool:
        self.cluster.time += INTERVAL
        return await self.comparison.compare()

    def age(self, plural: str) -> float:
        return self.comparison.kinds[plural].hearing.age()

    def write(self, found: Object, *, heard: bool = True) -> Object:
        """Somebody writes an object; the watch tells of it, or does not."""
        found = copy.deepcopy(found)
        found["metadata"]["resourceVersion"] = version()
        self.remove(found)
        self.cluster.objects.append(found)
        if heard:
            self.hear(found)
        return found

    def hear(self, found: Object) -> None:
        kind = next(k for k in self.comparison.kinds.values() if k.resource.kind == found["kind"])
        self.comparison.hear(kind.resource.plural, found["metadata"])
        kind.see(found)

    def remove(self, found: Object) -> None:
        uid = found["metadata"]["uid"]
        self.cluster.objects = [
            each for each in self.cluster.objects if each["metadata"]["uid"] != uid
        ]


@pytest.fixture
def scene() -> Scene:
    return Scene()


@pytest.fixture
async def comparing(scene: Scene) -> AsyncIterator[list[int]]:
    """It compares until the test ends; filled with a number each time."""
    compared: list[int] = []

    async def compare() -> bool:
        compared.append(len(compared))
        return True

    scene.comparison.compare = compare  # type: ignore[method-assign]
    running = asyncio.create_task(scene.comparison.run())
    await asyncio.sleep(0)
    yield compared
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def until(check: Callable[[], bool]) -> None:
    async def checked() -> bool:
        return check()

    await eventually(checked)


def served_game(**fields: Any) -> Object:
    """A Game to which kopf has added its finalizer."""
    found = game(**fields)
    found["metadata"]["finalizers"] = [FINALIZER]
    return found


async def test_what_the_watch_missed_is_found(scene: Scene) -> None:
    missed = scene.write(session(), heard=False)
    assert await scene.compare()
    assert scene.store.session_of_uid(missed["metadata"]["uid"])


async def test_what_is_not_there_any_more_is_lost(scene: Scene) -> None:
    gone = scene.write(session())
    scene.remove(gone)
    assert await scene.compare()
    assert not len(scene.store.sessions)


async def test_an_api_server_that_refuses_changes_nothing(scene: Scene) -> None:
    scene.write(session())
    scene.cluster.away = True
    assert not await scene.compare()
    assert len(scene.store.sessions) == 1


async def test_a_watch_that_hears_is_not_deaf(scene: Scene) -> None:
    for _ in range(3):
        scene.write(served_game())
        scene.write(session())
        scene.write(pod())
        assert await scene.compare()


@pytest.mark.parametrize("write", [served_game, session, pod])
async def test_a_watch_that_does_not_tell_of_a_change_is_deaf(scene: Scene, write: Any) -> None:
    scene.write(write())
    scene.write(write(), heard=False)
    assert await scene.compare()
    with pytest.raises(DeafWatch):
        await scene.compare()


async def test_each_namespace_has_a_watch_of_its_own(scene: Scene) -> None:
    """One that hears must not hide one that is deaf."""
    scene.write(session(), heard=False)
    assert await scene.compare()
    other = session("bob")
    other["metadata"]["namespace"] = ELSEWHERE
    scene.write(other)
    with pytest.raises(DeafWatch, match=f"gamesessions in {NAMESPACE} "):
        await scene.compare()


async def test_a_watch_has_time_to_hear_once_contact_is_regained(scene: Scene) -> None:
    """What was on its way when contact was lost comes when the watch is there again."""
    late = scene.write(session(), heard=False)
    assert await scene.compare()
    scene.cluster.time += INTERVAL - 1
    scene.cluster.contact.failed()
    scene.cluster.contact.succeeded()
    scene.cluster.time += 1 - INTERVAL
    assert await scene.compare()
    scene.hear(late)
    assert await scene.compare()


async def test_a_watch_that_has_thousands_to_tell_of_is_slow_and_not_deaf(scene: Scene) -> None:
    first = scene.write(session("alice"), heard=False)
    scene.write(session("bob"), heard=False)
    assert await scene.compare()
    scene.cluster.time += INTERVAL - 1
    scene.hear(first)
    scene.cluster.time += 1 - INTERVAL
    assert await scene.compare()
    with pytest.raises(DeafWatch):
        await scene.compare()


async def test_what_a_watch_lists_is_compared_once_it_has_told_of_all(
    scene: Scene, comparing: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LIST_PAUSE", 3600.0)
    scene.comparison.ask_after_list()
    for _ in range(100):
        await asyncio.sleep(0)
    assert not comparing


async def test_a_list_without_end_keeps_nobody_from_comparing(
    scene: Scene, comparing: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LIST_PAUSE", 3600.0)
    monkeypatch.setattr(module, "INTERVAL", 0.05)
    scene.comparison.ask_after_list()
    await until(lambda: len(comparing) > 0)


async def test_a_write_that_met_a_conflict_is_a_reason_to_compare_at_once(
    scene: Scene, comparing: list[int]
) -> None:
    scene.comparison.ask()
    await until(lambda: len(comparing) > 0)


async def test_a_change_that_is_told_of_late_is_not_missed(scene: Scene) -> None:
    late = scene.write(session(), heard=False)
    assert await scene.compare()
    scene.hear(late)
    assert await scene.compare()


async def test_what_came_and_went_while_the_watch_was_down_makes_it_not_deaf(scene: Scene) -> None:
    """kopf lists anew then, and tells of what is there."""
    scene.write(pod(1))
    passing = scene.write(pod(2, uid="passing"), heard=False)
    assert await scene.compare()
    scene.remove(passing)
    assert await scene.compare()
    assert await scene.compare()


@pytest.mark.parametrize(
    ("finalizers", "deleting"), [([], False), ([FINALIZER], True)], ids=["new", "deleted"]
)
async def test_a_game_that_kopf_cannot_write_makes_its_watch_not_deaf(
    scene: Scene, finalizers: list[str], deleting: bool
) -> None:
    """kopf tells nothing of an object while it tries again to write it: for two minutes."""
    stuck = game(deleting=deleting)
    stuck["metadata"]["finalizers"] = finalizers
    scene.write(stuck)
    for _ in range(3):
        scene.write(stuck, heard=False)
        assert await scene.compare()


# Lists that are older than what we know ----------------------------------------------------------


async def test_what_a_stale_list_lacks_is_not_lost(scene: Scene) -> None:
    """An API server that lags lists what was before: what came since is there all the same."""
    scene.write(session("alice"))
    scene.cluster.listed, scene.cluster.version = list(scene.cluster.objects), version()
    late = scene.write(session("bob"))
    assert await scene.compare()
    assert scene.store.session_of_uid(late["metadata"]["uid"])
    assert len(scene.store.sessions) == 2


async def test_what_a_stale_list_still_has_is_not_brought_back(scene: Scene) -> None:
    gone = scene.write(session("alice"))
    scene.write(session("bob"))
    scene.cluster.listed, scene.cluster.version = list(scene.cluster.objects), version()
    scene.remove(gone)
    scene.store.lose_session((NAMESPACE, gone["metadata"]["name"]), gone["metadata"]["uid"])
    scene.write(session("bob"))
    assert await scene.compare()
    assert len(scene.store.sessions) == 1


async def test_a_stale_list_is_known_by_what_the_watch_told_though_it_be_gone(
    scene: Scene,
) -> None:
    scene.cluster.version = version()
    told = scene.write(session("alice"))
    scene.store.lose_session((NAMESPACE, told["metadata"]["name"]), told["metadata"]["uid"])
    scene.cluster.listed = [session("bob")]
    assert await scene.compare()
    assert not len(scene.store.sessions)


# How old the picture is --------------------------------------------------------------------------


async def test_a_comparison_that_finds_nothing_missed_makes_a_watch_young(scene: Scene) -> None:
    scene.write(session())
    for _ in range(3):
        assert await scene.compare()
        assert scene.age("gamesessions") == 0


async def test_one_that_finds_something_missed_does_not(scene: Scene) -> None:
    assert await scene.compare()
    scene.write(session(), heard=False)
    assert await scene.compare()
    assert scene.age("gamesessions") == INTERVAL
    assert scene.age("pods") == 0


async def test_nor_does_a_stale_list(scene: Scene) -> None:
    assert await scene.compare()
    scene.cluster.version = version()
    scene.write(session())
    assert await scene.compare()
    assert scene.age("gamesessions") == INTERVAL


async def test_nor_an_api_server_that_refuses_which_it_says(scene: Scene) -> None:
    assert await scene.compare()
    scene.cluster.away = True
    assert not await scene.compare()
    assert scene.age("pods") == INTERVAL
    assert "500" in scene.comparison.refused
    scene.cluster.away = False
    assert await scene.compare()
    assert (scene.age("pods"), scene.comparison.refused) == (0, "")


async def test_a_watch_that_missed_something_is_looked_at_again_sooner(
    scene: Scene, comparing: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Within a minute it is to be known whether it is deaf."""
    monkeypatch.setattr(module, "INTERVAL", 3600.0)
    monkeypatch.setattr(module, "SHORTEST_INTERVAL", 0.01)
    monkeypatch.setattr(module, "DEAF_SECONDS", 0.05)
    scene.comparison.ask()
    await until(lambda: len(comparing) == 1)
    missed = scene.write(session(), heard=False)
    listed = Listed(missed["metadata"]["uid"], int(missed["metadata"]["resourceVersion"]), False)
    hearing = scene.comparison.kinds["gamesessions"].hearing
    hearing.compare(NAMESPACE, {(NAMESPACE, missed["metadata"]["name"]): listed}, 0.0)
    scene.comparison.ask()
    await until(lambda: len(comparing) > 3)
    scene.hear(missed)


async def test_what_cannot_be_read_in_time_does_not_hold_up_the_comparison(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Other kinds would seem deaf meanwhile."""
    monkeypatch.setattr(module, "READ_SECONDS", 0.05)
    scene.comparison._cluster = cast(Any, Slow())
    scene.comparison._cluster.objects.append(pod())  # type: ignore[attr-defined]
    assert await asyncio.wait_for(scene.compare(), 30)
    assert scene.age("games") == 0
