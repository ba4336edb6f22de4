"""`session/status`, `session/open` and `session/close`."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from aiohttp import web

from gamesession.api.instant import format_instant, parse_instant
from gamesession.api.names import session_name
from tests.eventually import eventually
from tests.handlers.gateway.pods import HttpPod
from tests.handlers.gateway.stage import Stage

NOTHING: dict[str, Any] = {
    "success": True,
    "has_session": False,
    "session_id": None,
    "phase": None,
    "created_at": None,
    "last_activity": None,
    "expires_at": None,
    "services": [],
    "user_id": None,
}


async def body_of(stage: Stage, method: str, endpoint: str, user: str = "alice") -> Any:
    """Status and body of an answer."""
    async with stage.request(method, f"/api/chess/session/{endpoint}", user) as answer:
        assert answer.headers["Content-Type"].startswith("application/json")
        assert answer.headers["X-Request-Id"]
        return answer.status, await answer.json()


async def status(stage: Stage, user: str = "alice") -> Any:
    return await body_of(stage, "GET", "status", user)


# status -------------------------------------------------------------------------------------------


async def test_without_a_session_there_is_nothing_to_tell_and_none_is_made(stage: Stage) -> None:
    assert await status(stage) == (200, NOTHING)
    assert stage.api.writes == []


async def test_status_tells_what_stands(stage: Stage) -> None:
    await stage.add_game(
        "chess", session={"idleTimeout": "10m"}, services=[{"name": "main", "port": 18000}]
    )
    session = await stage.add_session()
    code, body = await status(stage)
    created = parse_instant(session["metadata"]["creationTimestamp"])
    active = parse_instant(session["status"]["lastActivity"])
    assert code == 200
    assert body == {
        "success": True,
        "has_session": True,
        "session_id": f"alice_chess_{int(created.timestamp())}",
        "phase": "Ready",
        "created_at": format_instant(created),
        "last_activity": format_instant(active),
        "expires_at": format_instant(active + timedelta(minutes=10)),
        "services": ["main"],
        "user_id": "alice",
    }


async def test_status_counts_neither_as_activity_nor_as_a_write(stage: Stage) -> None:
    await stage.add_session()
    before, writes = await status(stage), len(stage.api.writes)
    assert await status(stage) == before
    assert len(stage.api.writes) == writes


async def test_who_polls_a_pending_session_keeps_it_from_being_abandoned(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gamesession.client.rhythm.PENDING_INTERVAL", timedelta(seconds=0.2))
    stage.pod_for = lambda session: None
    await body_of(stage, "POST", "open")

    async def written_again_and_again() -> bool:
        assert (await status(stage))[1]["phase"] == "Pending"
        return stage.api.count("patch", "gamesessions/status") >= 3

    await eventually(written_again_and_again, deadline=10)


async def test_status_tells_activity_that_is_not_written_yet(stage: Stage) -> None:
    session = await stage.add_session()
    async with stage.get("/api/chess/") as answer:
        assert answer.status == 200
    _, body = await status(stage)
    assert body["last_activity"] > session["status"]["lastActivity"]


async def test_the_longest_life_cuts_the_expiry(stage: Stage) -> None:
    started = datetime.now(UTC) - timedelta(hours=23, minutes=59)
    await stage.add_session(startedAt=format_instant(started))
    _, body = await status(stage)
    assert body["expires_at"] == format_instant(started + timedelta(hours=24))


async def test_a_session_that_another_replica_has_just_made_is_found(stage: Stage) -> None:
    """The watch has not told of it yet: the API server is asked by name."""
    stage.pod_for = lambda session: None
    hold_back_watches(stage)
    name = session_name("chess", "alice")
    stage.api.put(
        "gamesessions", {"metadata": {"name": name}, "spec": {"user": "alice", "game": "chess"}}
    )
    code, body = await status(stage)
    assert (code, body["has_session"], body["phase"]) == (200, True, "Pending")


@pytest.mark.parametrize("reason", ["Duplicate", "ImageMissing"])
async def test_a_duplicate_is_nobodys_session_and_a_failure_is(stage: Stage, reason: str) -> None:
    stage.pod_for = lambda session: None
    stage.api.put(
        "gamesessions", {"metadata": {"name": "second"}, "spec": {"user": "alice", "game": "chess"}}
    )
    stage.fail("second", "why", reason=reason)

    async def known() -> bool:
        session = stage.service.directory.sessions.get("second")
        return session is not None and session.phase == "Failed"

    await eventually(known)
    _, body = await status(stage)
    assert body["phase"] == (None if reason == "Duplicate" else "Failed")


def hold_back_watches(stage: Stage) -> None:
    """From now on watches tell nothing."""

    def silently(kind: str, plural: str, found: Any) -> None:
        stage.api._version += 1
        found["metadata"]["resourceVersion"] = str(stage.api._version)

    stage.api._tell = silently  # type: ignore[method-assign]


async def test_a_duplicate_whose_first_is_gone_makes_room_at_once(stage: Stage) -> None:
    """It did not fail to start: its reason is no answer to who wants a session now."""
    name = session_name("chess", "alice")
    before, stage.pod_for = stage.pod_for, lambda session: None
    spec = {"user": "alice", "game": "chess"}
    duplicate = stage.api.put("gamesessions", {"metadata": {"name": name}, "spec": spec})
    stage.fail(name, "Another session of this user stands.", reason="Duplicate")
    stage.pod_for = before

    async def known() -> bool:
        session = stage.service.directory.sessions.get(name)
        return session is not None and session.phase == "Failed"

    await eventually(known)
    async with stage.get("/api/chess/") as answer:
        assert answer.status == 200
    assert stage.session()["metadata"]["uid"] != duplicate["metadata"]["uid"]


# open ---------------------------------------------------------------------------------------------


async def test_open_makes_a_session_and_does_not_wait(stage: Stage) -> None:
    stage.pod_for = lambda session: None
    code, body = await body_of(stage, "POST", "open")
    assert (code, body["has_session"], body["phase"]) == (202, True, "Pending")
    code, again = await body_of(stage, "POST", "open")
    assert (code, again["session_id"]) == (202, body["session_id"])
    assert stage.api.count("create", "gamesessions") == 1


async def test_open_of_a_running_session_touches_it(stage: Stage) -> None:
    session = await stage.add_session()
    code, body = await body_of(stage, "POST", "open")
    assert (code, body["phase"]) == (200, "Ready")
    assert body["last_activity"] > session["status"]["lastActivity"]


# close --------------------------------------------------------------------------------------------


async def test_close_ends_the_session_once_and_twice_is_fine(stage: Stage) -> None:
    async with stage.get("/api/chess/") as answer:
        assert answer.status == 200
    session = stage.session()
    assert await body_of(stage, "POST", "close") == (200, {"success": True, "closed": True})
    assert await body_of(stage, "POST", "close") == (200, {"success": True, "closed": False})
    assert stage.api.objects["gamesessions"] == {}
    (event,) = stage.api.objects["events"].values()
    assert event["reason"] == "Closed"
    assert event["regarding"]["uid"] == session["metadata"]["uid"]
    assert event["regarding"]["kind"] == "GameSession"


async def test_the_event_is_written_before_the_session_is_deleted(stage: Stage) -> None:
    async with stage.get("/api/chess/") as answer:
        assert answer.status == 200
    await body_of(stage, "POST", "close")
    verbs = [(write.verb, write.resource) for write in stage.api.writes]
    assert verbs.index(("create", "events")) < verbs.index(("delete", "gamesessions"))


async def test_a_session_of_another_name_is_closed_too(stage: Stage) -> None:
    await stage.add_session(name="by-hand")
    assert (await body_of(stage, "POST", "close"))[1]["closed"] is True
    assert stage.api.objects["gamesessions"] == {}


async def test_closing_ends_nobody_elses_session(stage: Stage) -> None:
    await stage.add_session("bob")
    assert (await body_of(stage, "POST", "close"))[1]["closed"] is False
    assert stage.session("bob")


async def test_after_closing_the_next_request_makes_a_new_session_at_once(stage: Stage) -> None:
    """Though the watch has not told of the end: we know what we did."""
    async with stage.get("/api/chess/") as answer:
        first = await answer.json()
    await stage.until_ready()
    uid = stage.session()["metadata"]["uid"]
    hold_back_watches(stage)
    await body_of(stage, "POST", "close")
    _, body = await status(stage)
    assert body["has_session"] is False
    asking = asyncio.create_task(ask(stage))

    async def made() -> bool:
        return bool(stage.session()["metadata"]["uid"] != uid)

    await eventually(made)
    del stage.api._tell
    stage.api.end_watches()
    stage.api.compact()
    code, pod = await asking
    assert code == 200
    assert pod != first["pod"]


async def ask(stage: Stage) -> tuple[int, str]:
    async with stage.get("/api/chess/") as answer:
        return answer.status, (await answer.json())["pod"]


async def test_a_session_that_another_replica_has_just_made_is_closed(stage: Stage) -> None:
    stage.pod_for = lambda session: None
    hold_back_watches(stage)
    name = session_name("chess", "alice")
    stage.api.put(
        "gamesessions", {"metadata": {"name": name}, "spec": {"user": "alice", "game": "chess"}}
    )
    assert (await body_of(stage, "POST", "close"))[1]["closed"] is True


async def test_a_session_that_finalizers_keep_is_closed_and_waited_for(stage: Stage) -> None:
    async with stage.get("/api/chess/") as answer:
        assert answer.status == 200
    name = stage.session()["metadata"]["name"]
    stage.api.change(
        "gamesessions", name, lambda found: found["metadata"].update(finalizers=["x/y"])
    )
    assert (await body_of(stage, "POST", "close"))[1]["closed"] is True
    assert (await body_of(stage, "POST", "close"))[1]["closed"] is False
    asking = asyncio.create_task(ask(stage))

    async def waits() -> bool:
        return stage.service.holds.places.taken("chess") == 1

    await eventually(waits)
    stage.api.remove("gamesessions", name)
    assert (await asking)[0] == 200


async def test_an_event_that_cannot_be_written_keeps_no_session_alive(stage: Stage) -> None:
    async def refuse(request: web.Request) -> web.StreamResponse | None:
        if "/events.k8s.io/" in request.path:
            return web.json_response({"code": 403, "reason": "Forbidden"}, status=403)
        return None

    await stage.add_session()
    stage.api.faults.append(refuse)
    assert (await body_of(stage, "POST", "close"))[1]["closed"] is True


async def test_the_endpoints_are_the_gateways_and_never_a_pods(stage: Stage) -> None:
    pod = HttpPod()
    await stage.add_session(pod=pod)
    await status(stage)
    async with stage.get("/api/chess/sessions") as answer:
        assert (await answer.json())["path"] == "/api/chess/sessions"
    assert len(pod.requests) == 1
