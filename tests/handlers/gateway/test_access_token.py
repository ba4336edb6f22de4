"""`?access_token=`, for those who cannot send headers: taken off before anybody else sees it."""

from __future__ import annotations

import logging

import aiohttp
import pytest
from aiohttp import web
from structlog.testing import capture_logs
from yarl import URL

from tests.handlers.gateway.pods import HttpPod
from tests.handlers.gateway.stage import Stage, bearer, token
from tests.handlers.gateway.test_refusals import error_of

EVENTS = {"Accept": "text/event-stream"}


def url(stage: Stage, target: str) -> URL:
    return URL(f"{stage.url}{target}", encoded=True)


async def socket(request: web.BaseRequest) -> web.StreamResponse:
    answer = web.WebSocketResponse()
    await answer.prepare(request)
    await answer.send_str(request.headers["X-Game-User"])
    await answer.close()
    return answer


async def test_an_event_stream_says_who_it_is_in_its_address(stage: Stage) -> None:
    pod = HttpPod()
    await stage.add_session(user="bob", pod=pod)
    target = f"/api/chess/feed?a=%20+%2F&access_token={token('bob')}&b=&&c?=%e9"
    async with stage.http.get(url(stage, target), headers=EVENTS) as answer:
        assert answer.status == 200
    (request,) = pod.requests
    assert request.raw_path == "/api/chess/feed?a=%20+%2F&b=&&c?=%e9"
    assert request.headers["X-Game-User"] == "bob"
    assert "Authorization" not in request.headers


async def test_so_does_a_websocket(stage: Stage) -> None:
    pod = HttpPod(socket)
    await stage.add_session(user="bob", pod=pod)
    target = f"/api/chess/play?access_token={token('bob')}"
    async with stage.http.ws_connect(url(stage, target)) as opened:
        assert await opened.receive_str(timeout=10) == "bob"
    assert pod.requests[0].raw_path == "/api/chess/play"


async def test_the_first_connection_starts_the_session(stage: Stage) -> None:
    stage.pod_for = lambda session: HttpPod(socket)
    target = f"/api/chess/play?access_token={token()}"
    async with stage.http.ws_connect(url(stage, target)) as opened:
        assert await opened.receive_str(timeout=30) == "alice"


async def test_a_game_without_its_prefix_does_not_see_it_either(stage: Stage) -> None:
    pod = HttpPod()
    await stage.add_game("go", stripPrefix=True, forwardAuthorization=True)
    await stage.add_session(game="go", pod=pod)
    target = f"/api/go/feed?access_token={token()}&a=1"
    async with stage.http.get(url(stage, target), headers=EVENTS) as answer:
        assert answer.status == 200
    assert pod.requests[0].raw_path == "/feed?a=1"
    assert "Authorization" not in pod.requests[0].headers


async def test_it_is_taken_off_where_another_token_counts(stage: Stage) -> None:
    pod = HttpPod()
    await stage.add_session(pod=pod)
    target = f"/api/chess/feed?access_token={token('bob')}"
    async with stage.http.get(url(stage, target), headers={**EVENTS, **bearer()}) as answer:
        assert answer.status == 200
    assert pod.requests[0].raw_path == "/api/chess/feed"
    assert pod.requests[0].headers["X-Game-User"] == "alice"


async def test_the_cookie_counts_before_it() -> None:
    async with Stage(auth_cookie="auth") as stage:
        await stage.add_game()
        pod = HttpPod()
        await stage.add_session(pod=pod)
        headers = {**EVENTS, "Cookie": f"auth={token()}", "Sec-Fetch-Site": "same-origin"}
        target = url(stage, f"/api/chess/feed?access_token={token('bob')}")
        async with stage.http.get(target, headers=headers) as answer:
            assert answer.status == 200
        assert pod.requests[0].headers["X-Game-User"] == "alice"
        # And it stands for what a browser sends by itself: another page gets no further by it.
        headers["Sec-Fetch-Site"] = "cross-site"
        async with stage.http.get(target, headers=headers) as answer:
            assert answer.status == 403


@pytest.mark.parametrize("origin", ["https://evil.example", "null"])
async def test_a_page_that_knows_a_token_may_use_it_from_anywhere(
    stage: Stage, origin: str
) -> None:
    await stage.add_session(pod=HttpPod(socket))
    target = url(stage, f"/api/chess/play?access_token={token()}")
    headers = {"Origin": origin, "Sec-Fetch-Site": "cross-site"}
    async with stage.http.ws_connect(target, headers=headers) as opened:
        assert await opened.receive_str(timeout=10) == "alice"


# It does not count --------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["GET", "POST", "HEAD"])
@pytest.mark.parametrize("accept", ["*/*", "text/html", "application/json", "text/event-streams"])
async def test_other_requests_say_it_in_a_header(stage: Stage, method: str, accept: str) -> None:
    target = url(stage, f"/api/chess/?access_token={token()}")
    async with stage.http.request(method, target, headers={"Accept": accept}) as answer:
        assert answer.status == 401
    assert stage.api.writes == []


@pytest.mark.parametrize(
    "query",
    [
        "access_token=",
        "access_token",
        "access_token=nonsense",
        f"access_token={token(exp=1)}",
        f"access_token=nonsense&access_token={token()}",
        f"Access_Token={token()}",
        f"token={token()}",
        f"a=1;access_token={token()}",
    ],
)
async def test_a_bad_one_is_refused(stage: Stage, query: str) -> None:
    async with stage.http.get(url(stage, f"/api/chess/?{query}"), headers=EVENTS) as answer:
        assert answer.status == 401
        error = await error_of(answer)
        assert error["code"] == "unauthorized"
        assert not any(part in error["message"] for part in token().split(".") if len(part) > 8)
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        await stage.http.ws_connect(url(stage, f"/api/chess/?{query}"))
    assert refused.value.status == 401
    assert stage.api.writes == []


# It leaves no trace -------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/api/chess/feed", "/api/none/", "/api/chess/a/../b", "/x"])
async def test_it_is_in_no_log_line(
    stage: Stage, path: str, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("a bug")

    secret = token()
    with capture_logs() as lines, caplog.at_level(logging.DEBUG):
        target = url(stage, f"{path}?access_token={secret}")
        async with stage.http.get(target, headers=EVENTS) as answer:
            await answer.read()
            told = f"{await answer.text()} {answer.headers}"
        monkeypatch.setattr(stage.service.directory, "game_of_route", fail)
        async with stage.http.get(target, headers=EVENTS) as answer:
            told += f"{await answer.text()} {answer.headers}"
    text = f"{lines!r} {caplog.text} {told}"
    assert not any(part in text for part in secret.split("."))
