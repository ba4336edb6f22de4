"""What is written of a session's use: little, late, but never nothing.

Timeouts are short here, so that intervals pass while a test waits for what they lead to.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from aiohttp import web

from gamesession.api.instant import format_instant
from gamesession.api.names import session_name
from gamesession.client import activity
from gamesession.client.activity import RENEW_SECONDS
from gamesession.kube import cluster
from tests.eventually import eventually
from tests.handlers.gateway.pods import HttpPod
from tests.handlers.gateway.stage import Stage


@pytest.fixture
async def quick(stage: Stage) -> AsyncIterator[Stage]:
    """A stage whose game `quick` has an idle timeout of 10 s: a write a second."""
    await stage.add_game("quick", session={"idleTimeout": "10s"})
    yield stage


def ago(seconds: float) -> str:
    return format_instant(datetime.now(UTC) - timedelta(seconds=seconds))


def stamps(stage: Stage) -> int:
    """How many writes of activity there were."""
    return stage.api.count("patch", "gamesessions/status")


async def ask(stage: Stage, game: str = "quick", user: str = "alice") -> int:
    async with stage.get(f"/api/{game}/", user) as answer:
        await answer.read()
        return int(answer.status)


async def test_the_last_request_is_written_though_no_other_follows(quick: Stage) -> None:
    await quick.add_session(game="quick", name="s")
    await ask(quick)
    asked = datetime.now(UTC)

    async def written() -> bool:
        return stamps(quick) == 1

    await eventually(written, deadline=10)
    assert abs(quick.last_activity("s") - asked) < timedelta(milliseconds=500)


async def test_many_requests_in_one_interval_are_one_write(quick: Stage) -> None:
    await quick.add_session(game="quick", name="s")
    began = asyncio.get_running_loop().time()
    while asyncio.get_running_loop().time() - began < 2.5:
        assert await ask(quick) == 200
    # 2.5 s are at most three intervals of 1 s, however fast the requests come.
    assert 1 <= stamps(quick) <= 3


async def test_an_open_request_keeps_writing(quick: Stage) -> None:
    pod, go = HttpPod(), asyncio.Event()

    async def slowly(request: web.BaseRequest) -> web.StreamResponse:
        await go.wait()
        return web.Response()

    pod.handler = slowly
    await quick.add_session(game="quick", name="s", pod=pod)
    asking = asyncio.create_task(ask(quick))

    async def written_twice() -> bool:
        return stamps(quick) >= 2

    await eventually(written_twice, deadline=15)
    go.set()
    assert await asking == 200


async def test_a_stream_that_is_silent_keeps_writing_until_it_ends(quick: Stage) -> None:
    pod, go = HttpPod(), asyncio.Event()

    async def stream(request: web.BaseRequest) -> web.StreamResponse:
        answer = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await answer.prepare(request)
        await go.wait()
        return answer

    pod.handler = stream
    await quick.add_session(game="quick", name="s", pod=pod)
    async with quick.get("/api/quick/") as answer:
        assert answer.status == 200

        async def written() -> bool:
            return stamps(quick) >= 2

        await eventually(written, deadline=15)
        go.set()


async def test_nothing_is_written_when_another_replica_has_written_later(quick: Stage) -> None:
    await quick.add_session(game="quick", name="s")
    await ask(quick)
    later = format_instant(datetime.now(UTC) + timedelta(seconds=3))
    quick.api.change("gamesessions", "s", lambda found: found["status"].update(lastActivity=later))
    use = next(iter(quick.service.activity._uses.values()))

    async def dropped() -> bool:
        return use.uid not in quick.service.activity._uses

    await eventually(dropped, deadline=15)
    assert stamps(quick) == 0


@pytest.mark.parametrize("ahead", [3600, 5, -5])
async def test_a_stamp_of_a_clock_that_is_wrong_does_not_stop_the_writing(
    quick: Stage, ahead: float
) -> None:
    """The operator's clock, or that of a replica that is gone, was ahead or behind."""
    pod, go = HttpPod(), asyncio.Event()

    async def slowly(request: web.BaseRequest) -> web.StreamResponse:
        await go.wait()
        return web.Response()

    pod.handler = slowly
    await quick.add_session(game="quick", name="s", pod=pod)
    wrong = ago(-ahead)
    quick.api.change("gamesessions", "s", lambda found: found["status"].update(lastActivity=wrong))
    asking = asyncio.create_task(ask(quick))

    async def written_twice() -> bool:
        return stamps(quick) >= 2

    await eventually(written_twice, deadline=15)
    go.set()
    assert await asking == 200


async def test_a_refused_stamp_is_settled_by_looking(quick: Stage) -> None:
    """422: a later one stands, and our watch is late. That is success."""
    await quick.add_session(game="quick", name="s", lastActivity=ago(9))
    quick.api.objects["gamesessions"]["s"]["status"]["lastActivity"] = format_instant(
        datetime.now(UTC) + timedelta(seconds=3)
    )
    assert await ask(quick) == 200
    assert [write.status for write in quick.api.writes if write.verb == "patch"] == [422]


# Close to the deadline ----------------------------------------------------------------------------


async def test_close_to_the_deadline_the_write_comes_before_the_request(quick: Stage) -> None:
    pod = HttpPod()
    order: list[str] = []

    async def tell(request: web.BaseRequest) -> web.StreamResponse:
        order.append("request")
        return web.Response()

    async def note(request: web.Request) -> web.StreamResponse | None:
        if request.method == "PATCH":
            order.append("write")
        return None

    pod.handler = tell
    await quick.add_session(game="quick", name="s", pod=pod, lastActivity=ago(8.5))
    quick.api.faults.append(note)
    assert await ask(quick) == 200
    assert order[:2] == ["write", "request"]


async def test_further_from_the_deadline_nothing_is_waited_for(quick: Stage) -> None:
    await quick.add_session(game="quick", name="s", lastActivity=ago(5))
    stuck = asyncio.Event()

    async def hang(request: web.Request) -> web.StreamResponse | None:
        if request.method == "PATCH":
            await stuck.wait()
        return None

    quick.api.faults.append(hang)
    assert await ask(quick) == 200
    stuck.set()


async def test_a_write_that_takes_too_long_is_not_waited_for(stage: Stage) -> None:
    """There are minutes left for it."""
    await stage.add_session(name="s", lastActivity=ago(25 * 60))
    go = asyncio.Event()

    async def hang(request: web.Request) -> web.StreamResponse | None:
        if request.method == "PATCH":
            await go.wait()
        return None

    stage.api.faults.append(hang)
    assert await ask(stage, "chess") == 200
    assert stamps(stage) == 0
    go.set()

    async def written() -> bool:
        return stamps(stage) >= 1

    await eventually(written)


async def test_a_slow_write_is_waited_for_when_the_session_may_end_meanwhile(quick: Stage) -> None:
    """The deletion was faster than the write, and both were slow: the user gets no answer of a
    session that is gone a moment later."""
    old = HttpPod()
    name = session_name("quick", "alice")
    await quick.add_session(game="quick", name=name, pod=old, lastActivity=ago(9.5))

    async def be_slow(request: web.Request) -> web.StreamResponse | None:
        if request.method == "PATCH" and be_slow in quick.api.faults:
            quick.api.faults.remove(be_slow)
            await asyncio.sleep(2 * RENEW_SECONDS)
            quick.api.remove("gamesessions", name)
        return None

    quick.api.faults.append(be_slow)
    assert await ask(quick) == 200
    assert old.requests == []


async def test_a_write_that_hangs_is_waited_for_once(
    quick: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each request would wait as long, while the API server writes nothing."""
    await quick.add_session(game="quick", lastActivity=ago(9.5))

    async def hang(request: web.Request) -> web.StreamResponse | None:
        if request.method == "PATCH":
            await asyncio.Event().wait()
        return None

    quick.api.faults.append(hang)
    monkeypatch.setattr(cluster, "REQUEST_SECONDS", 3600.0)
    monkeypatch.setattr(activity, "LAST_RENEW_SECONDS", 0.1)
    assert await ask(quick) == 200
    monkeypatch.setattr(activity, "LAST_RENEW_SECONDS", 3600.0)
    assert await asyncio.wait_for(ask(quick), 30) == 200


@pytest.mark.parametrize("gone", ["gone", "another life", "being deleted"])
async def test_a_session_that_expired_meanwhile_is_made_anew(quick: Stage, gone: str) -> None:
    """The sweep was faster, and our watch is late: no request gets an error for that."""
    name = session_name("quick", "alice")
    old = HttpPod()
    await quick.add_session(game="quick", name=name, pod=old, lastActivity=ago(9))
    uid = quick.session(game="quick")["metadata"]["uid"]
    tell = quick.api._tell

    def silently(kind: str, plural: str, found: Any) -> None:
        quick.api._version += 1
        found["metadata"]["resourceVersion"] = str(quick.api._version)

    quick.api._tell = silently  # type: ignore[method-assign]
    if gone == "being deleted":
        mark = {"deletionTimestamp": ago(0), "finalizers": ["x/y"]}
        quick.api.change("gamesessions", name, lambda found: found["metadata"].update(mark))
    else:
        quick.api.remove("gamesessions", name)
    if gone == "another life":
        spec = {"user": "alice", "game": "quick"}
        quick.api.put("gamesessions", {"metadata": {"name": name}, "spec": spec})
    asking = asyncio.create_task(ask(quick))

    async def given_up() -> bool:
        known = quick.service.directory.sessions.get(name)
        return known is None or known.uid != uid or known.deleting

    await eventually(given_up)
    quick.api._tell = tell  # type: ignore[method-assign]
    if gone == "being deleted":
        quick.api.remove("gamesessions", name)
    quick.api.end_watches()
    quick.api.compact()
    assert await asking == 200
    assert old.requests == []
    assert quick.session(game="quick")["metadata"]["uid"] != uid


# The API server is away ---------------------------------------------------------------------------


async def test_what_was_kept_is_written_when_the_api_server_is_back(quick: Stage) -> None:
    await quick.add_session(game="quick", name="s", lastActivity=ago(9))
    await quick.api.go_away()
    contact = quick.cluster.contact

    async def lost() -> bool:
        return contact.lost

    await eventually(lost)
    assert await ask(quick) == 200
    asked = datetime.now(UTC)
    await quick.api.come()

    async def written() -> bool:
        return abs(quick.last_activity("s") - asked) < timedelta(seconds=1)

    await eventually(written, deadline=15)


@pytest.mark.parametrize("times", [1, 3])
async def test_a_write_without_an_answer_is_tried_again_though_watches_are_silent(
    quick: Stage, times: int
) -> None:
    """One connection broke, the watches did not: nothing else will tell that contact is back."""
    broken: list[web.Request] = []

    async def break_off(request: web.Request) -> web.StreamResponse | None:
        if request.method != "PATCH" or len(broken) >= times:
            return None
        broken.append(request)
        assert request.transport is not None
        request.transport.abort()
        return web.Response(status=500)

    quick.api.faults.append(break_off)
    await quick.add_session(game="quick", name="s")
    await ask(quick)

    async def written() -> bool:
        return stamps(quick) == 1

    await eventually(written, deadline=15)
    assert len(broken) == times


@pytest.mark.parametrize("status", [500, 429, 403])
async def test_a_refused_write_is_tried_again(quick: Stage, status: int) -> None:
    refused: list[web.Request] = []

    async def refuse(request: web.Request) -> web.StreamResponse | None:
        if request.method != "PATCH" or len(refused) >= 2:
            return None
        refused.append(request)
        return web.json_response({"code": status, "message": "no"}, status=status)

    quick.api.faults.append(refuse)
    await quick.add_session(game="quick", name="s")
    await ask(quick)

    async def written() -> bool:
        return stamps(quick) >= 1

    await eventually(written, deadline=15)


async def test_a_write_that_fails_in_an_unforeseen_way_is_tried_again(
    quick: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An open stream must not lose its session over it."""
    failed: list[Exception] = []
    write = quick.service.activity._stamps.write

    async def fail_once(*of: Any) -> Any:
        if not failed:
            failed.append(ValueError("nobody thought of this"))
            raise failed[0]
        return await write(*of)

    monkeypatch.setattr(quick.service.activity._stamps, "write", fail_once)
    pod, go = HttpPod(), asyncio.Event()

    async def slowly(request: web.BaseRequest) -> web.StreamResponse:
        await go.wait()
        return web.Response()

    pod.handler = slowly
    await quick.add_session(game="quick", name="s", pod=pod)
    asking = asyncio.create_task(ask(quick))

    async def written() -> bool:
        return stamps(quick) >= 1

    await eventually(written, deadline=15)
    assert failed
    go.set()
    assert await asking == 200


# Sessions without a pod ---------------------------------------------------------------------------


async def test_who_waits_for_a_pending_session_keeps_it_from_being_abandoned(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gamesession.client.rhythm.PENDING_INTERVAL", timedelta(seconds=0.2))
    stage.pod_for = lambda session: None
    asking = asyncio.create_task(ask(stage, "chess"))

    async def written() -> bool:
        return stamps(stage) >= 2  # the first without a status, the second with one

    await eventually(written, deadline=10)
    assert stage.session()["status"].keys() == {"lastActivity"}
    asking.cancel()
    await asyncio.gather(asking, return_exceptions=True)
    # Nobody waits any more: no more than the trailing write.
    count = stamps(stage)

    async def idle() -> bool:
        return not stage.service.activity._uses

    await eventually(idle, deadline=10)
    assert stamps(stage) <= count + 1


async def test_a_first_write_that_meets_the_operators_is_written_in_the_end(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Our picture has no status, the object has one by now: the other kind of patch is used, and
    nothing of the operator's is lost."""
    monkeypatch.setattr("gamesession.client.rhythm.PENDING_INTERVAL", timedelta(seconds=0.2))
    stage.pod_for = lambda session: None
    asking = asyncio.create_task(ask(stage, "chess"))

    async def made() -> str:
        return str(stage.session()["metadata"]["name"])

    name = await eventually(made)
    stage.api.change("gamesessions", name, lambda found: found.update(status={"phase": "Pending"}))

    async def written() -> bool:
        return "lastActivity" in stage.session()["status"]

    await eventually(written, deadline=10)
    assert stage.session()["status"]["phase"] == "Pending"
    asking.cancel()
    await asyncio.gather(asking, return_exceptions=True)


async def test_a_cold_start_costs_one_write(quick: Stage) -> None:
    """However long it takes: nobody's idling ends a session that was never Ready."""
    quick.pod_for = lambda session: None
    asking = asyncio.create_task(ask(quick))

    async def made() -> str:
        return str(quick.session(game="quick")["metadata"]["name"])

    name = await eventually(made)
    pod = HttpPod()
    quick.give_pod(name, pod)
    use = next(iter(quick.service.activity._uses.values()))

    async def due_and_past() -> bool:
        """An interval has passed, and the next is planned."""
        return use.timer is not None and use.timer is not first

    first = use.timer
    await eventually(due_and_past, deadline=10)
    assert [write.verb for write in quick.api.writes] == ["create"]
    await pod.listen()
    assert await asking == 200
    assert [write.verb for write in quick.api.writes] == ["create"]


# The end ------------------------------------------------------------------------------------------


async def test_on_the_way_out_all_activity_is_written() -> None:
    async with Stage() as stage:
        await stage.add_game()
        for user in ("alice", "bob", "carol"):
            await stage.add_session(user, name=user)
            assert await ask(stage, "chess", user) == 200
        asked = datetime.now(UTC)
        assert stamps(stage) == 0
        await stage.service.stop()
        assert stamps(stage) == 3
        for user in ("alice", "bob", "carol"):
            assert abs(stage.last_activity(user) - asked) < timedelta(seconds=5)


async def test_on_the_way_out_a_write_under_way_is_not_taken_for_the_last(quick: Stage) -> None:
    await quick.add_session(game="quick", name="s")
    writes, go = asyncio.Event(), asyncio.Event()

    async def hang(request: web.Request) -> web.StreamResponse | None:
        if request.method == "PATCH":
            writes.set()
            await go.wait()
        return None

    quick.api.faults.append(hang)
    await ask(quick)
    await asyncio.wait_for(writes.wait(), 10)
    asked = datetime.now(UTC)
    await ask(quick)
    flushing = asyncio.create_task(quick.service.activity.flush(5))
    go.set()
    await flushing
    assert quick.last_activity("s") > asked


async def test_a_stamp_never_lands_on_another_life(quick: Stage) -> None:
    await quick.add_session(game="quick", name="s")
    await ask(quick)
    quick.api.objects["gamesessions"]["s"]["metadata"]["uid"] = "another"
    await quick.service.activity.flush(5)
    assert quick.api.count("patch", "gamesessions/status") == 0
