"""A Game's fallback answers when no session can be had, and nothing that a pod got goes there."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from aiohttp.abc import AbstractResolver, ResolveResult
from prometheus_client import REGISTRY

from gamesession.client import breaker, call
from gamesession.gateway.allowed import BaseUrl
from gamesession.kube.cluster import Object
from tests.eventually import eventually
from tests.handlers.gateway.pods import HttpPod, RawPod
from tests.handlers.gateway.stage import Stage, bearer

PORT = 18100
Answer = tuple[int, Any, str]


class Lobby(HttpPod):
    """The fallback."""

    @property
    def url(self) -> str:
        return f"http://{self.ip}:{PORT}"


@pytest.fixture
async def lobby() -> AsyncIterator[Lobby]:
    found = Lobby()
    await found.listen(PORT)
    yield found
    await found.stop()


def game_of(lobby: Lobby, **more: Any) -> dict[str, Any]:
    """The fields of a Game whose fallback that is."""
    return {"fallback": {"url": lobby.url, **more.pop("fallback", {})}, **more}


@pytest.fixture
async def stage(lobby: Lobby) -> AsyncIterator[Stage]:
    """A gateway with a Game, `chess`, whose fallback is the lobby."""
    async with Stage(
        fallback_urls=(BaseUrl.parse(lobby.url),), hold=timedelta(seconds=0.3), max_held=1
    ) as found:
        await found.add_game(**game_of(lobby))
        yield found


async def ask(stage: Stage, method: str = "GET", path: str = "/api/chess/", **of: Any) -> Answer:
    """Status, body or error code, and start of an answer."""
    async with stage.request(method, path, **of) as answer:
        body = json.loads(await answer.read())
        code = body["error"]["code"] if "error" in body else body["pod"]
        return answer.status, code, answer.headers.get("X-Game-Start", "")


# Why no session can be had --------------------------------------------------------------------


async def the_api_server_is_away(stage: Stage) -> None:
    await stage.api.go_away()


async def its_start_failed(stage: Stage) -> None:
    stage.pod_for = lambda session: None
    async with stage.post("/api/chess/session/open") as answer:
        assert answer.status == 202
    stage.fail(stage.session()["metadata"]["name"], "No such image.")

    async def known() -> bool:
        session = stage.service.directory.find("chess", "alice")
        return session is not None and session.phase == "Failed"

    await eventually(known)


async def too_many_wait(stage: Stage) -> None:
    stage.service.holds.places._all = 1  # which is as many as may


REASONS: list[tuple[Callable[[Stage], Awaitable[None]], str, int]] = [
    (the_api_server_is_away, "unavailable", 503),
    (its_start_failed, "start_failed", 502),
    (too_many_wait, "capacity", 429),
]


@pytest.mark.parametrize(("why", "code", "status"), REASONS)
async def test_it_answers_at_once(
    stage: Stage, lobby: Lobby, why: Callable[[Stage], Awaitable[None]], code: str, status: int
) -> None:
    before = counted(code)
    await why(stage)
    assert await ask(stage) == (200, lobby.ip, "fallback")
    assert counted(code) == before + 1
    await lobby.stop()
    assert await ask(stage) == (status, code, ""), "what it would be without"
    assert counted(code) == before + 1


def counted(reason: str) -> float:
    labels = {"game": "chess", "reason": reason}
    return REGISTRY.get_sample_value("gamesession_gateway_fallback_total", labels) or 0


async def test_an_api_server_that_hangs_is_waited_for_once(
    stage: Stage, lobby: Lobby, monkeypatch: pytest.MonkeyPatch
) -> None:
    """From then on it is known to be away, and asked with little patience until it answers."""
    monkeypatch.setattr(call, "CALL_SECONDS", 0.3)
    monkeypatch.setattr(call, "AWAY_SECONDS", 0.02)
    released = asyncio.Event()

    async def hang(request: web.Request) -> web.StreamResponse | None:
        await released.wait()
        return None

    stage.api.faults.append(hang)
    hold = stage.service.holds._hold
    stage.service.holds._hold = 60
    assert not stage.cluster.contact.lost
    assert await ask(stage) == (200, lobby.ip, "fallback")
    assert stage.cluster.contact.lost
    monkeypatch.setattr(call, "CALL_SECONDS", 3600)
    assert await ask(stage) == (200, lobby.ip, "fallback")
    stage.service.holds._hold = hold
    released.set()


async def test_while_starts_fail_it_has_all_but_one(
    stage: Stage, lobby: Lobby, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The one whose session shows whether starts succeed again; the others need not wait."""
    monkeypatch.setattr(breaker, "PAUSE", 3600.0)  # no machine is so slow

    def failing(game: Object) -> None:
        told = {"type": "Ready", "status": "False", "reason": "StartsFailing", "message": "No."}
        game["status"] = {"conditions": [told | {"observedGeneration": 1}]}

    stage.api.change("games", "chess", failing)
    await stage.until_known("chess")
    assert (await ask(stage, user="bob"))[2] == "cold"
    assert await ask(stage, user="eve") == (200, lobby.ip, "fallback")
    assert await ask(stage, user="dan") == (200, lobby.ip, "fallback")
    assert (await ask(stage, user="bob"))[2] == "reused"
    assert stage.api.count("create", "gamesessions") == 1


async def test_a_slow_start_is_its_only_where_the_game_says_so(stage: Stage, lobby: Lobby) -> None:
    stage.pod_for = lambda session: None
    assert await ask(stage) == (503, "session_starting", "")
    await stage.add_game(**game_of(lobby, fallback={"onSlowStart": True}))
    assert await ask(stage) == (200, lobby.ip, "fallback")


async def test_other_errors_are_not_its(stage: Stage, lobby: Lobby) -> None:
    await stage.add_game(suspend=True, **game_of(lobby))
    assert await ask(stage) == (503, "game_suspended", "")
    await stage.add_game(**game_of(lobby))
    assert await ask(stage, path="/api/chess/%2e%2e/") == (400, "bad_path", "")
    await the_api_server_is_away(stage)
    for endpoint in ("open", "close"):
        path = f"/api/chess/session/{endpoint}"
        assert await ask(stage, "POST", path) == (503, "unavailable", "")
    assert lobby.requests == []


async def test_a_session_that_serves_is_left_alone(stage: Stage, lobby: Lobby) -> None:
    await stage.add_session()
    await the_api_server_is_away(stage)
    status, pod, start = await ask(stage)
    assert (status, start) == (200, "reused")
    assert pod != lobby.ip


# What it gets ---------------------------------------------------------------------------------


async def test_it_is_told_the_user_and_nothing_of_a_session(stage: Stage, lobby: Lobby) -> None:
    await the_api_server_is_away(stage)
    forged = {"X-Game-Session": "mine", "X-Game-Pod": "mine", "X-Game-User": "eve", "X-Other": "x"}
    path = "/api/chess/a%20b?c=d&e"
    assert await ask(stage, path=path, user="zoë", headers=forged) == (200, lobby.ip, "fallback")
    [request] = lobby.requests
    assert request.raw_path == path
    assert request.headers["X-Game-User"] == "zo%C3%AB"
    assert request.headers["X-Game-Id"] == "chess"
    assert request.headers["X-Forwarded-For"] == "127.0.0.1"
    assert request.headers["X-Forwarded-Host"] == stage.url.authority
    assert request.headers["X-Request-Id"]
    assert request.headers["Host"] == f"{lobby.ip}:{PORT}"
    assert request.headers["X-Other"] == "x"
    assert not {"X-Game-Session", "X-Game-Pod", "Authorization"} & set(request.headers)


async def test_the_token_goes_there_where_pods_get_it_too(stage: Stage, lobby: Lobby) -> None:
    await stage.add_game(forwardAuthorization=True, **game_of(lobby))
    await the_api_server_is_away(stage)
    await ask(stage)
    assert lobby.requests[0].headers["Authorization"].startswith("Bearer ")


async def test_its_path_comes_before_the_requests(stage: Stage, lobby: Lobby) -> None:
    below = game_of(lobby, stripPrefix=True)
    below["fallback"]["url"] += "/waiting/room/"
    await stage.add_game(**below)
    await the_api_server_is_away(stage)
    await ask(stage, path="/api/chess/moves?from=e2")
    [request] = lobby.requests
    assert request.raw_path == "/waiting/room/moves?from=e2"
    assert request.headers["X-Forwarded-Prefix"] == "/api/chess"


async def test_a_body_that_nobody_read_streams_on(stage: Stage, lobby: Lobby) -> None:
    stage.pod_for = lambda session: None
    await stage.add_game(**game_of(lobby, fallback={"onSlowStart": True}))
    body = b"x" * 3_000_000
    found = await ask(stage, "POST", data=body)
    assert found == (200, lobby.ip, "fallback")
    assert lobby.bodies == [body]


async def test_what_a_pod_got_is_not_its(stage: Stage, lobby: Lobby) -> None:
    """The pod hangs up, and while the gateway looks again the API server goes."""
    got = asyncio.Event()

    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        await stage.api.go_away()
        name = stage.session()["metadata"]["name"]
        session = stage.service.directory.sessions.get(name)
        assert session is not None
        stage.service.directory.sessions.forget(name, session.uid)
        got.set()
        writer.close()

    await stage.add_session(pod=RawPod(hang_up))
    status, code, start = await ask(stage)
    assert got.is_set()
    assert (status, code, start) == (503, "unavailable", "")
    assert lobby.requests == []


# What it answers ------------------------------------------------------------------------------


async def test_its_answer_is_passed_on_as_it_is(stage: Stage, lobby: Lobby) -> None:
    async def elsewhere(request: web.BaseRequest) -> web.StreamResponse:
        headers = {"Location": "http://127.0.0.1:1/away", "X-Own": "1", "X-Game-Start": "warm"}
        return web.Response(status=302, headers=headers, body=b"there")

    lobby.handler = elsewhere
    await the_api_server_is_away(stage)
    async with stage.get("/api/chess/") as answer:
        assert (answer.status, await answer.read()) == (302, b"there")
        assert answer.headers["Location"] == "http://127.0.0.1:1/away"
        assert answer.headers["X-Own"] == "1"
        assert answer.headers.getall("X-Game-Start") == ["fallback"]
        assert answer.headers["X-Request-Id"]
        assert "X-Game-Session" not in answer.headers


async def test_one_that_got_the_request_and_hangs_up_is_no_reason_to_ask_again(
    stage: Stage,
) -> None:
    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.close()

    rude = RawPod(hang_up)
    await rude.listen(PORT)
    try:
        allowed = (BaseUrl.parse(f"http://{rude.ip}:{PORT}"),)
        stage.service._gateway._fallbacks._allowed = allowed
        await stage.add_game(fallback={"url": f"http://{rude.ip}:{PORT}"})
        await the_api_server_is_away(stage)
        assert await ask(stage, "POST", data=b"move") == (502, "upstream_unreachable", "")
    finally:
        await rude.stop()


async def test_a_websocket_is_its_too(stage: Stage, lobby: Lobby) -> None:
    async def echo(request: web.BaseRequest) -> web.StreamResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        async for message in socket:
            await socket.send_str(f"lobby: {message.data}")
        return socket

    lobby.handler = echo
    await the_api_server_is_away(stage)
    async with stage.http.ws_connect("/api/chess/live", headers=bearer()) as socket:
        await socket.send_str("hello")
        assert await socket.receive_str(timeout=10) == "lobby: hello"
        assert socket._response.headers["X-Game-Start"] == "fallback"
        assert len(stage.service.websockets) == 1
    await eventually(lambda: no_websocket(stage))


async def no_websocket(stage: Stage) -> bool:
    return len(stage.service.websockets) == 0


# Where it may be ------------------------------------------------------------------------------


async def test_a_url_that_is_not_allowed_gets_nothing_and_is_told_once(
    stage: Stage, lobby: Lobby, capsys: pytest.CaptureFixture[str]
) -> None:
    other = Lobby()
    await other.listen(PORT)
    await stage.add_game(fallback={"url": other.url})
    await the_api_server_is_away(stage)
    for _ in range(3):
        assert await ask(stage) == (503, "unavailable", "")
    assert other.requests == lobby.requests == []
    told = [line for line in capsys.readouterr().out.splitlines() if "fallback not used" in line]
    assert len(told) == 1
    assert other.url in told[0]
    assert "GAMESESSION_FALLBACK_URLS" in told[0]
    await other.stop()


class Resolver(AbstractResolver):
    """Knows one name."""

    def __init__(self, name: str, ip: str) -> None:
        self._known = {name: ip}

    async def resolve(self, host: str, port: int = 0, family: Any = 0) -> list[ResolveResult]:
        if host not in self._known:
            raise OSError(f"no such host: {host}")
        found: ResolveResult = {
            "hostname": host, "host": self._known[host], "port": port,
            "family": 2, "proto": 0, "flags": 0,
        }  # fmt: skip
        return [found]

    async def close(self) -> None:
        pass


async def test_a_service_is_found_by_its_name_in_the_namespace(stage: Stage, lobby: Lobby) -> None:
    connector = stage.service._fallback_client.connector
    assert isinstance(connector, aiohttp.TCPConnector)
    connector._resolver = Resolver("lobby.play.svc", lobby.ip)
    await stage.add_game(fallback={"service": "lobby", "port": PORT, "path": "/wait"})
    await the_api_server_is_away(stage)
    assert await ask(stage) == (200, lobby.ip, "fallback")
    [request] = lobby.requests
    assert request.headers["Host"] == f"lobby.play.svc:{PORT}"
    assert request.raw_path == "/wait/api/chess/"
    await stage.api.come()
    await eventually(lambda: listed_again(stage))
    await stage.add_game(fallback={"service": "nowhere", "port": PORT})
    await the_api_server_is_away(stage)
    assert await ask(stage) == (503, "unavailable", "")


async def listed_again(stage: Stage) -> bool:
    return not stage.cluster.contact.lost


async def test_one_that_takes_no_connections_is_told_in_the_log(
    stage: Stage, lobby: Lobby, capsys: pytest.CaptureFixture[str]
) -> None:
    await lobby.stop()
    await the_api_server_is_away(stage)
    assert await ask(stage) == (503, "unavailable", "")
    assert "fallback does not answer" in capsys.readouterr().out
