"""Every answer that is an error: its code, its shape, and that nothing else happens."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
import pytest

from gamesession.api.instant import format_instant
from gamesession.api.names import session_name
from gamesession.kube.cluster import Object
from tests.eventually import eventually
from tests.handlers.gateway.pods import HttpPod
from tests.handlers.gateway.stage import Stage, bearer, token


async def error_of(answer: aiohttp.ClientResponse) -> dict[str, Any]:
    """The error in an answer, whose shape is checked."""
    body = json.loads(await answer.read())
    assert answer.headers["Content-Type"].startswith("application/json")
    assert set(body) == {"success", "error"}
    assert body["success"] is False
    assert set(body["error"]) == {"code", "message", "request_id"}
    assert body["error"]["request_id"] == answer.headers["X-Request-Id"]
    assert body["error"]["message"]
    return dict(body["error"])


async def refused(stage: Stage, method: str, path: str, status: int, code: str, **of: Any) -> str:
    """Check that a request is refused so, and return the message."""
    async with stage.request(method, path, **of) as answer:
        error = await error_of(answer)
        assert (answer.status, error["code"]) == (status, code)
        return str(error["message"])


# Who asks -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "authorization",
    [
        None,
        "Basic YWxpY2U6c2VjcmV0",
        "Bearer nonsense",
        f"Bearer {token(exp=1)}",
        f"Bearer {token(iss='other')}",
        f"Bearer {token(aud='other')}",
        f"Bearer {token(key='another secret of thirty-two bytes!')}",
        f"Bearer {token(key='k' * 64, algorithm='HS512')}",
        f"Bearer {token('x' * 254)}",
        f"Bearer {token('')}",
        "Bearer " + token("new\nline"),
        f"Bearer {token(None)}",
    ],
)
@pytest.mark.parametrize("path", ["/api/chess/", "/api/none/", "/", "/api/chess/session/status"])
async def test_who_has_no_good_token_is_unauthorized_wherever_they_knock(
    stage: Stage, authorization: str | None, path: str
) -> None:
    headers = {"Authorization": authorization} if authorization else {}
    async with stage.http.get(path, headers=headers) as answer:
        assert answer.status == 401
        assert answer.headers["WWW-Authenticate"] == "Bearer"
        assert (await error_of(answer))["code"] == "unauthorized"
    assert stage.api.writes == []


# Where to -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/", 404, "not_found"),
        ("GET", "/healthz", 404, "not_found"),
        ("GET", "/metrics", 404, "not_found"),
        ("GET", "/api", 404, "not_found"),
        ("GET", "/api/none/x", 404, "game_not_found"),
        ("GET", "/api/none/session/status", 404, "game_not_found"),
        ("GET", "/api/chess/session", 404, "not_found"),
        ("GET", "/api/chess/session/", 404, "not_found"),
        ("GET", "/api/chess/session/none", 404, "not_found"),
        ("POST", "/api/chess/session/events", 405, "method_not_allowed"),
        ("GET", "/api/chess/session/status/x", 404, "not_found"),
        ("GET", "/api/chess/%73ession/none", 404, "not_found"),
        ("POST", "/api/chess/session/status", 405, "method_not_allowed"),
        ("GET", "/api/chess/session/close", 405, "method_not_allowed"),
        ("DELETE", "/api/chess/session/open", 405, "method_not_allowed"),
        ("TRACE", "/api/chess/", 405, "method_not_allowed"),
        ("GET", "/api/chess/a/../b", 400, "bad_path"),
        ("GET", "/api/chess/%2e%2e/b", 400, "bad_path"),
        ("GET", "/api/chess/a%2fb", 400, "bad_path"),
        ("GET", "/api/chess/a%5cb", 400, "bad_path"),
        ("GET", "/api/chess/a\\b", 400, "bad_path"),
    ],
)
async def test_what_leads_nowhere_says_so_and_makes_no_session(
    stage: Stage, method: str, path: str, status: int, code: str
) -> None:
    await refused(stage, method, path, status, code)
    assert stage.api.writes == []


async def test_a_wrong_method_is_told_the_right_one(stage: Stage) -> None:
    async with stage.get("/api/chess/session/close") as answer:
        assert answer.headers["Allow"] == "POST"


@pytest.mark.parametrize("upgrade", ["h2c", "TLS/1.0", "websocket2"])
async def test_other_upgrades_than_to_a_websocket_are_refused(stage: Stage, upgrade: str) -> None:
    headers = {"Connection": "Upgrade", "Upgrade": upgrade}
    await refused(stage, "GET", "/api/chess/", 400, "bad_request", headers=headers)
    assert stage.api.writes == []


async def test_an_upgrade_that_a_second_header_asks_for_is_refused(stage: Stage) -> None:
    """Passed on as a plain request, it would leave the connection deaf for the next one."""
    head = f"GET /api/chess/ HTTP/1.1\r\nAuthorization: {bearer()['Authorization']}\r\n"
    head += "Connection: close\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n"
    status, body = await raw(stage, head.encode())
    assert (status, body["error"]["code"]) == (400, "bad_request")
    assert stage.api.writes == []


# What is sent -------------------------------------------------------------------------------------


@pytest.fixture
def small() -> dict[str, Any]:
    return {"max_body_bytes": 1000, "max_header_bytes": 2000}


async def test_a_body_that_is_announced_as_too_large_is_refused_before_anything(
    small: dict[str, Any],
) -> None:
    async with Stage(**small) as stage:
        await stage.add_game()
        await refused(stage, "POST", "/api/chess/", 413, "payload_too_large", data=b"x" * 1001)
        assert stage.api.writes == []
        async with stage.post("/api/chess/", data=b"x" * 1000) as answer:
            assert answer.status == 200


async def test_a_body_that_turns_out_too_large_is_cut_off(small: dict[str, Any]) -> None:
    async def endless() -> Any:
        while True:
            yield b"x" * 100

    async with Stage(**small) as stage:
        await stage.add_game()
        await stage.add_session()
        await refused(stage, "POST", "/api/chess/", 413, "payload_too_large", data=endless())


@pytest.mark.parametrize(
    "head",
    [
        "GET /api/chess/ HTTP/1.1\r\nHost: x\r\nX-Long: " + "x" * 3000 + "\r\n\r\n",
        "GET /api/chess/" + "x" * 3000 + " HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET /api/chess/ HTTP/1.1\r\nHost: x\r\n"
        + "".join(f"X-{number}: x\r\n" for number in range(200))
        + "\r\n",
    ],
)
async def test_a_head_that_is_too_large_is_refused(small: dict[str, Any], head: str) -> None:
    async with Stage(**small) as stage:
        status, body = await raw(stage, head.encode())
        assert (status, body["error"]["code"]) == (431, "headers_too_large")


@pytest.mark.parametrize(
    "head",
    [
        "nonsense\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: x\r\nBad Name: x\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
    ],
)
async def test_what_is_no_request_is_refused_in_the_same_shape(stage: Stage, head: str) -> None:
    status, body = await raw(stage, head.encode())
    assert (status, body["error"]["code"]) == (400, "bad_request")
    assert body["error"]["request_id"]


async def raw(stage: Stage, data: bytes) -> tuple[int, dict[str, Any]]:
    """Send bytes; the status and body of the answer."""
    reader, writer = await asyncio.open_connection("127.0.0.1", stage.service.port)
    writer.write(data)
    answer = await asyncio.wait_for(reader.read(), 10)
    writer.close()
    head, _, body = answer.partition(b"\r\n\r\n")
    return int(head.split(b" ")[1]), json.loads(body)


# What cannot be had -------------------------------------------------------------------------------


async def test_a_suspended_game_takes_no_new_sessions_and_serves_those_that_run(
    stage: Stage,
) -> None:
    await stage.add_game("go", suspend=True)
    await stage.add_session("bob", "go")
    await refused(stage, "GET", "/api/go/", 503, "game_suspended")
    await refused(stage, "POST", "/api/go/session/open", 503, "game_suspended")
    async with stage.get("/api/go/", "bob") as answer:
        assert answer.status == 200
    assert stage.api.count("create", "gamesessions") == 0


async def test_another_users_session_under_the_derived_name_is_a_collision(stage: Stage) -> None:
    name = session_name("chess", "alice")
    await stage.add_session("mallory", name=name)
    await refused(stage, "GET", "/api/chess/", 500, "name_collision")
    await refused(stage, "GET", "/api/chess/session/status", 500, "name_collision")
    await refused(stage, "POST", "/api/chess/session/close", 500, "name_collision")
    assert name in stage.api.objects["gamesessions"]


async def test_a_hold_that_runs_out_says_when_to_try_again() -> None:
    async with Stage(hold=timedelta(seconds=0.1)) as stage:
        stage.pod_for = lambda session: None
        await stage.add_game()
        async with stage.get("/api/chess/") as answer:
            assert answer.status == 503
            assert int(answer.headers["Retry-After"]) > 0
            assert (await error_of(answer))["code"] == "session_starting"
        assert stage.api.count("create", "gamesessions") == 1


@pytest.mark.parametrize("limit", [{"max_held": 1}, {"max_held_per_game": 1}])
async def test_more_than_may_wait_are_told_to_come_again(limit: dict[str, Any]) -> None:
    async with Stage(**limit) as stage:
        stage.pod_for = lambda session: None
        await stage.add_game()
        waiting = asyncio.create_task(hang(stage, "alice"))
        await eventually(lambda: held(stage, "alice"))
        async with stage.get("/api/chess/", "bob") as answer:
            assert answer.status == 429
            assert int(answer.headers["Retry-After"]) > 0
            assert (await error_of(answer))["code"] == "capacity"
        # An abandoned wait frees its place.
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        stage.pod_for = lambda session: HttpPod()

        async def served() -> bool:
            async with stage.get("/api/chess/", "carol") as answer:
                return bool(answer.status == 200)

        await eventually(served)


async def hang(stage: Stage, user: str) -> None:
    async with stage.get("/api/chess/", user):
        pass


async def held(stage: Stage, user: str) -> bool:
    stage.session(user)
    return stage.service.holds.places.taken("chess") > 0


# Why it failed ------------------------------------------------------------------------------------


async def test_all_who_wait_are_told_why_it_failed_in_the_words_of_the_status(
    stage: Stage,
) -> None:
    stage.pod_for = lambda session: None
    waiting = [
        asyncio.create_task(refused(stage, "GET", "/api/chess/", 502, "start_failed"))
        for _ in range(5)
    ]
    await eventually(lambda: all_held(stage, 5))
    stage.fail(session_name("chess", "alice"), "Image fortune:1 does not exist.")
    assert await asyncio.gather(*waiting) == ["Image fortune:1 does not exist."] * 5


async def all_held(stage: Stage, count: int) -> bool:
    stage.session()
    return stage.service.holds.places.taken("chess") == count


async def test_a_session_that_failed_a_moment_ago_is_not_replaced(stage: Stage) -> None:
    session = await failed_session(stage, seconds_ago=1)
    for _ in range(2):
        assert await refused(stage, "GET", "/api/chess/", 502, "start_failed") == "No image."
    assert stage.session()["metadata"]["uid"] == session["metadata"]["uid"]
    assert stage.api.count("delete", "gamesessions") == 0


async def test_a_session_that_failed_five_seconds_ago_is_replaced(stage: Stage) -> None:
    session = await failed_session(stage, seconds_ago=5)
    async with stage.get("/api/chess/") as answer:
        assert answer.status == 200
        assert answer.headers["X-Game-Start"] == "cold"
    assert stage.session()["metadata"]["uid"] != session["metadata"]["uid"]
    (event,) = stage.api.objects["events"].values()
    assert (event["reason"], event["regarding"]["uid"]) == ("Failed", session["metadata"]["uid"])
    assert "No image." in event["note"]


async def test_a_failed_session_of_another_name_is_replaced_too(stage: Stage) -> None:
    await failed_session(stage, seconds_ago=60, name="by-hand")
    async with stage.get("/api/chess/") as answer:
        assert answer.status == 200
    assert list(stage.api.objects["gamesessions"]) == [session_name("chess", "alice")]


async def test_a_hundred_requests_replace_a_failed_session_once(stage: Stage) -> None:
    await failed_session(stage, seconds_ago=60)

    async def ask() -> int:
        async with stage.get("/api/chess/") as answer:
            return int(answer.status)

    assert set(await asyncio.gather(*(ask() for _ in range(100)))) == {200}
    assert stage.api.count("delete", "gamesessions") == 1
    assert stage.api.count("create", "gamesessions") == 1


async def failed_session(stage: Stage, *, seconds_ago: float, name: str = "") -> Object:
    """A session that failed, and the gateway knows."""
    name = name or session_name("chess", "alice")
    at = datetime.now(UTC) - timedelta(seconds=seconds_ago)
    made = stage.api.put(
        "gamesessions",
        {
            "metadata": {"name": name},
            "spec": {"user": "alice", "game": "chess"},
            "status": {
                "phase": "Failed",
                "failedAt": format_instant(at),
                "conditions": [
                    {"type": "Ready", "status": "False", "reason": "X", "message": "No image."}
                ],
            },
        },
    )

    async def known() -> bool:
        return stage.service.directory.sessions.get(name) is not None

    await eventually(known)
    return made


async def test_a_bug_of_ours_is_an_error_in_the_same_shape(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("a bug")

    monkeypatch.setattr(stage.service.directory, "game_of_route", fail)
    async with stage.http.get("/api/chess/", headers=bearer()) as answer:
        assert answer.status == 500
        error = await error_of(answer)
        assert error["code"] == "internal"
        assert "a bug" not in error["message"]
