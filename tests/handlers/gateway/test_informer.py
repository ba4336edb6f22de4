"""An informer knows what is there, whatever happens to its lists and watches."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest
from aiohttp import web

from gamesession.kube import cluster as cluster_module
from gamesession.kube import informer as informer_module
from gamesession.kube.cluster import Cluster, Object
from gamesession.kube.informer import Informer
from gamesession.kube.resources import PODS
from tests.eventually import eventually
from tests.handlers.gateway.apiserver import ApiServer

Change = tuple[str | None, str | None]


def read(found: Object) -> str:
    """What is kept of an object in these tests: its colour."""
    return str(found["spec"]["colour"])


class Watched:
    """An informer on pods, and the changes that it told of."""

    def __init__(self, api: ApiServer, cluster: Cluster, **of: Any) -> None:
        self.api = api
        self.informer = Informer(cluster, PODS, "play", read, **of)
        self.changes: list[Change] = []
        self.informer.subscribe(lambda old, new: self.changes.append((old, new)))

    def put(self, name: str, colour: Any, **metadata: Any) -> Object:
        known = self.api.objects["pods"].get(name, {"metadata": {}})["metadata"]
        spec = {} if colour is None else {"colour": colour}
        body = {"metadata": {**known, "name": name, **metadata}, "spec": spec}
        return self.api.put("pods", body)

    async def until(self, **colours: str) -> None:
        """Wait until the informer knows of exactly these."""

        async def known() -> bool:
            assert sorted(self.informer.values()) == sorted(colours.values())
            return all(self.informer.get(name) == colour for name, colour in colours.items())

        await eventually(known, deadline=10)


@pytest.fixture
async def api() -> AsyncIterator[ApiServer]:
    async with ApiServer() as found:
        yield found


@pytest.fixture
async def cluster(api: ApiServer) -> AsyncIterator[Cluster]:
    async with Cluster(api.configuration, "test") as found:
        yield found


@pytest.fixture
async def watched(api: ApiServer, cluster: Cluster) -> AsyncIterator[Watched]:
    found = Watched(api, cluster)
    found.put("a", "red")
    task = asyncio.create_task(found.informer.run())
    await asyncio.wait_for(found.informer.synced.wait(), 10)
    yield found
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_it_tells_of_what_it_finds_and_of_every_change(watched: Watched) -> None:
    watched.put("b", "blue")
    watched.put("a", "green")
    await watched.until(a="green", b="blue")
    watched.api.remove("pods", "a")
    await watched.until(b="blue")
    assert watched.changes == [
        (None, "red"),
        (None, "blue"),
        ("red", "green"),
        ("green", None),
    ]


async def test_a_watch_that_ends_is_taken_up_where_it_ended(watched: Watched) -> None:
    for number in range(3):
        watched.api.end_watches()
        watched.put("b", f"blue{number}")
        await watched.until(a="red", b=f"blue{number}")
    assert (None, "red") not in watched.changes[1:]


async def test_after_410_what_vanished_meanwhile_is_told(watched: Watched) -> None:
    watched.put("b", "blue")
    await watched.until(a="red", b="blue")
    await watched.api.go_away()
    watched.api.remove("pods", "a")
    watched.put("c", "yellow")
    watched.api.compact()
    await watched.api.come()
    await watched.until(b="blue", c="yellow")
    assert ("red", None) in watched.changes


async def test_an_error_event_means_listing_again(watched: Watched) -> None:
    sent: list[web.Request] = []

    async def error(request: web.Request) -> web.StreamResponse | None:
        if "watch" not in request.query or sent:
            return None
        sent.append(request)
        gone = {"type": "ERROR", "object": {"kind": "Status", "code": 410, "message": "too old"}}
        return web.Response(text=json.dumps(gone) + "\n")

    watched.api.faults.append(error)
    watched.api.end_watches()
    watched.put("a", "green")
    await watched.until(a="green")
    assert sent


@pytest.mark.parametrize("status", [500, 429, 403, 404])
async def test_refused_lists_and_watches_are_tried_again(watched: Watched, status: int) -> None:
    refused: list[web.Request] = []

    async def refuse(request: web.Request) -> web.StreamResponse | None:
        if len(refused) >= 3:
            return None
        refused.append(request)
        return web.json_response({"kind": "Status", "code": status}, status=status)

    watched.api.faults.append(refuse)
    watched.api.end_watches()
    watched.put("a", "green")
    await watched.until(a="green")


async def test_garbage_on_a_watch_does_not_end_it_all(watched: Watched) -> None:
    sent: list[web.Request] = []

    async def babble(request: web.Request) -> web.StreamResponse | None:
        if "watch" not in request.query or sent:
            return None
        sent.append(request)
        return web.Response(text='{"type": "ADDED", "object": {}}\nnot even JSON\n')

    watched.api.faults.append(babble)
    watched.api.end_watches()
    watched.put("a", "green")
    await watched.until(a="green")


async def test_while_the_api_server_is_away_the_last_state_stays(watched: Watched) -> None:
    await watched.api.go_away()
    contact = watched.informer._cluster.contact

    async def lost() -> bool:
        return contact.lost

    await eventually(lost)
    assert watched.informer.get("a") == "red"
    assert watched.informer.synced.is_set()
    await watched.api.come()
    watched.put("a", "green")
    await watched.until(a="green")


async def test_an_object_that_cannot_be_read_is_as_good_as_absent(watched: Watched) -> None:
    watched.put("a", None)
    watched.put("b", "blue")
    await watched.until(b="blue")
    watched.put("a", "green")
    await watched.until(a="green", b="blue")


async def test_another_life_under_the_same_name_is_an_end_and_a_beginning(
    watched: Watched,
) -> None:
    await watched.api.go_away()
    watched.api.remove("pods", "a")
    watched.api.put("pods", {"metadata": {"name": "a"}, "spec": {"colour": "green"}})
    watched.api.compact()
    await watched.api.come()
    await watched.until(a="green")
    assert watched.changes[1:] == [("red", None), (None, "green")]


async def test_a_selector_leaves_the_others_out(api: ApiServer, cluster: Cluster) -> None:
    found = Watched(api, cluster, label_selector="team=a")
    found.put("a", "red", labels={"team": "a"})
    found.put("b", "blue", labels={"team": "b"})
    task = asyncio.create_task(found.informer.run())
    await found.until(a="red")
    found.put("c", "green", labels={"team": "b"})
    found.put("d", "yellow", labels={"team": "a"})
    await found.until(a="red", d="yellow")
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_a_callback_that_fails_does_not_stop_the_others(watched: Watched) -> None:
    def fail(old: str | None, new: str | None) -> None:
        raise RuntimeError("a bug")

    told: list[Change] = []
    watched.informer.subscribe(fail)
    watched.informer.subscribe(lambda old, new: told.append((old, new)))
    watched.put("a", "green")
    await watched.until(a="green")
    assert told == [("red", "green")]


# Our own writes, before the watch tells of them ---------------------------------------------------


async def test_an_answer_to_our_write_is_known_before_the_watch_tells(
    api: ApiServer, cluster: Cluster
) -> None:
    found = Watched(api, cluster)
    made = found.put("a", "red")
    found.informer.offer(made)
    assert found.informer.get("a") == "red"
    task = asyncio.create_task(found.informer.run())
    await asyncio.wait_for(found.informer.synced.wait(), 10)
    assert found.changes == [(None, "red")]
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_an_old_answer_does_not_bring_back_what_was_deleted(watched: Watched) -> None:
    old = json.loads(json.dumps(watched.api.objects["pods"]["a"]))
    watched.api.remove("pods", "a")
    await watched.until()
    watched.informer.offer(old)
    assert watched.informer.get("a") is None


async def test_what_we_ended_stays_gone_though_an_echo_comes_late(watched: Watched) -> None:
    uid = watched.api.objects["pods"]["a"]["metadata"]["uid"]
    watched.informer.forget("a", uid)
    watched.put("a", "green")
    watched.put("b", "blue")
    await watched.until(b="blue")


async def test_ending_one_life_leaves_the_next_alone(watched: Watched) -> None:
    watched.informer.forget("a", "another uid")
    assert watched.informer.get("a") == "red"


async def test_its_age_is_the_time_since_the_api_server_last_spoke(
    api: ApiServer, cluster: Cluster
) -> None:
    now = [0.0]
    found = Watched(api, cluster, clock=lambda: now[0])
    now[0] = 30.0
    assert found.informer.age() == 30.0
    task = asyncio.create_task(found.informer.run())
    await asyncio.wait_for(found.informer.synced.wait(), 10)
    assert found.informer.age() == 0.0
    now[0] = 45.0
    found.put("a", "red")
    await found.until(a="red")
    assert found.informer.age() == 0.0
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


# Watches that are deaf ----------------------------------------------------------------------------


@pytest.fixture
def brisk(monkeypatch: pytest.MonkeyPatch) -> None:
    """A watch lasts for a moment."""
    for module in (cluster_module, informer_module):
        monkeypatch.setattr(module, "WATCH_SECONDS", 1.5)
    monkeypatch.setattr(cluster_module, "WATCH_GRACE", 0.5)


@pytest.fixture
async def aged(api: ApiServer, cluster: Cluster) -> AsyncIterator[tuple[Watched, list[float]]]:
    """An informer, and the time by its clock."""
    now = [1000.0]
    found = Watched(api, cluster, clock=lambda: now[0])
    found.put("a", "red")
    task = asyncio.create_task(found.informer.run())
    await asyncio.wait_for(found.informer.synced.wait(), 10)
    yield found, now
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


def hushed(seconds: float) -> Callable[[web.Request], Awaitable[web.StreamResponse | None]]:
    """Watches tell nothing, and end after so many seconds."""

    async def hush(request: web.Request) -> web.StreamResponse | None:
        if "watch" not in request.query:
            return None
        answer = web.StreamResponse()
        await answer.prepare(request)
        await asyncio.sleep(seconds)
        return answer

    return hush


def lists(api: ApiServer) -> list[web.Request]:
    """The lists that are asked for from now on."""
    asked: list[web.Request] = []

    async def note(request: web.Request) -> web.StreamResponse | None:
        if "watch" not in request.query:
            asked.append(request)
        return None

    api.faults.insert(0, note)
    return asked


@pytest.mark.usefixtures("brisk")
async def test_what_a_silent_watch_left_out_is_listed(watched: Watched) -> None:
    watched.api.faults.append(hushed(3600.0))
    watched.api.end_watches()
    watched.put("a", "green")
    watched.put("b", "blue")
    await watched.until(a="green", b="blue")


@pytest.mark.usefixtures("brisk")
async def test_a_watch_with_nothing_to_tell_is_alive_when_it_ends_in_time(
    watched: Watched,
) -> None:
    watched.api.faults.append(hushed(1.5))
    watched.api.end_watches()
    asked = lists(watched.api)
    ages: list[float] = []

    async def young_again() -> bool:
        ages.append(watched.informer.age())
        return len(ages) > 2 and ages[-2] > 1.0 > ages[-1]

    await eventually(young_again)
    assert asked == []


@pytest.mark.usefixtures("brisk")
async def test_what_quiet_watches_may_have_left_out_is_listed_now_and_then(
    watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether nothing happens, or they are asked from a version that is not there yet, since the
    API server's data were restored, looks the same."""
    monkeypatch.setattr(informer_module, "QUIET_WATCHES", 2)
    watched.api.faults.append(hushed(1.5))
    watched.api.end_watches()
    watched.put("a", "green")
    await watched.until(a="green")


@pytest.mark.usefixtures("brisk")
async def test_a_quiet_watch_does_not_make_good_a_stale_list(watched: Watched) -> None:
    past = {"metadata": {"resourceVersion": "1"}, "items": []}
    asked: list[web.Request] = []

    async def lag(request: web.Request) -> web.StreamResponse | None:
        if "watch" not in request.query:
            asked.append(request)
            return web.json_response(past) if len(asked) == 1 else None
        return web.json_response({"code": 500}, status=500) if not asked else None

    watched.api.faults += [lag, hushed(1.5)]
    watched.api.end_watches()
    watched.put("a", "green")
    await watched.until(a="green")


async def test_one_that_ends_before_its_time_again_and_again_is_made_up_for_by_lists(
    aged: tuple[Watched, list[float]],
) -> None:
    watched, now = aged
    watched.api.faults.append(hushed(0.0))
    watched.api.end_watches()
    watched.put("a", "green")

    async def known_as_time_passes() -> bool:
        now[0] += 1
        return watched.informer.get("a") == "green"

    await eventually(known_as_time_passes, deadline=10)


async def test_a_stale_list_neither_ends_what_is_there_nor_brings_back_what_is_not(
    watched: Watched,
) -> None:
    """An API server that lags lists what was before."""
    watched.put("b", "blue")
    await watched.until(a="red", b="blue")
    items = list(watched.api.objects["pods"].values())
    version = items[-1]["metadata"]["resourceVersion"]
    past = {"metadata": {"resourceVersion": version}, "items": items}
    watched.api.remove("pods", "b")
    watched.put("c", "yellow")
    await watched.until(a="red", c="yellow")
    stale: list[web.Request] = []

    async def lag(request: web.Request) -> web.StreamResponse | None:
        if "watch" not in request.query:
            stale.append(request)
            return web.json_response(past)
        return web.json_response({"code": 500}, status=500) if not stale else None

    watched.api.faults.append(lag)
    watched.api.end_watches()
    watched.put("a", "green")
    await watched.until(a="green", c="yellow")
    assert stale
    assert watched.changes[-2:] == [(None, "yellow"), ("red", "green")]


async def test_a_watch_that_does_not_echo_our_own_write_is_behind(
    aged: tuple[Watched, list[float]],
) -> None:
    """And not alive, whatever else it tells; a list shows whether there is more."""
    watched, now = aged
    watched.api.faults.append(hushed(0.05))
    watched.api.end_watches()
    written = watched.put("a", "green")
    watched.put("b", "blue")
    watched.informer.offer(written)
    now[0] += informer_module.BEHIND_SECONDS
    asked = lists(watched.api)
    for _ in range(50):
        await asyncio.sleep(0)
    assert asked == []
    now[0] += 1
    await watched.until(a="green", b="blue")


async def test_what_keeps_it_from_following_is_told_apart_from_what_it_can_make_good(
    watched: Watched,
) -> None:
    assert watched.informer.refused == ""

    async def refuse(request: web.Request) -> web.StreamResponse | None:
        return web.json_response({"code": 500, "message": "no etcd"}, status=500)

    watched.api.faults.append(refuse)
    watched.informer._stale = True  # a list was stale before that
    watched.api.end_watches()

    async def refused() -> bool:
        return "no etcd" in watched.informer.refused

    await eventually(refused)
    watched.api.faults.clear()

    async def follows() -> bool:
        return watched.informer.refused == ""

    await eventually(follows)
