"""The token in a cookie: for pages of ours only, and out of the reach of pods.

Each attack has a test of its own. What a browser sends is played by hand: these headers are the
browser's to set, and no page's.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from tests.handlers.gateway.pods import HttpPod
from tests.handlers.gateway.stage import Stage, bearer, token
from tests.handlers.gateway.test_refusals import error_of

PATH = "/api/chess/moves"
ALLOWED, EVIL, SIBLING = (
    "https://www.example.com",
    "https://evil.example",
    "https://blog.example.com",
)
HOST = "play.example.com"
OWN = f"https://{HOST}"


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    async with Stage(auth_cookie="auth", allowed_origins=ALLOWED) as found:
        await found.add_game()
        yield found


def browser(user: str = "alice", **headers: str) -> dict[str, str]:
    """What a browser with the cookie sends; `_` stands for `-`."""
    said = {name.replace("_", "-"): value for name, value in headers.items()}
    return {"Host": HOST, "Cookie": f"a=1; auth={token(user)}; b=2", **said}


async def served(stage: Stage, method: str, **headers: str) -> bool:
    """Whether a browser's request is let in. One that is not leaves nothing behind."""
    before = len(stage.api.writes)
    async with stage.http.request(method, PATH, headers=browser(**headers)) as answer:
        if answer.status == 200:
            return True
        assert answer.status == 403
        if method != "HEAD":
            assert (await error_of(answer))["code"] == "forbidden_origin"
    assert len(stage.api.writes) == before
    return False


# Pages of ours ------------------------------------------------------------------------------------


async def test_a_page_of_ours_acts_in_the_name_of_who_looks_at_it(stage: Stage) -> None:
    pod = HttpPod()
    await stage.add_session(user="bob", pod=pod)
    headers = browser("bob", Origin=OWN, Sec_Fetch_Site="same-origin")
    async with stage.http.post(PATH, headers=headers) as answer:
        assert answer.status == 200
    assert pod.requests[0].headers["X-Game-User"] == "bob"


SAFE, UNSAFE = ("GET", "HEAD", "OPTIONS"), ("POST", "PUT", "PATCH", "DELETE", "LOCK")


@pytest.mark.parametrize("method", UNSAFE)
@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": OWN, "Sec_Fetch_Site": "same-origin"},
        {"Origin": OWN},  # an old browser
        {"Origin": f"http://{HOST}"},  # one without TLS: the gateway cannot know
        {"Origin": ALLOWED, "Sec_Fetch_Site": "same-site"},
        {"Origin": ALLOWED, "Sec_Fetch_Site": "cross-site"},
        {"Origin": ALLOWED},
    ],
)
async def test_methods_that_change_things_are_for_pages_whose_origin_is_ours(
    stage: Stage, method: str, headers: dict[str, str]
) -> None:
    assert await served(stage, method, **headers)


@pytest.mark.parametrize("method", SAFE)
@pytest.mark.parametrize(
    "headers",
    [
        {"Sec_Fetch_Site": "same-origin"},
        {"Sec_Fetch_Site": "none"},  # typed, or a bookmark
        {"Origin": OWN},
        {"Origin": ALLOWED, "Sec_Fetch_Site": "cross-site"},
        {"Referer": f"{OWN}/lobby"},  # an old browser
        {"Referer": f"{ALLOWED}/", "Sec_Fetch_Site": "cross-site"},  # a link on an allowed page
    ],
)
async def test_others_are_for_pages_that_browsers_tell_to_be_ours(
    stage: Stage, method: str, headers: dict[str, str]
) -> None:
    assert await served(stage, method, **headers)


# Pages of others ----------------------------------------------------------------------------------


@pytest.mark.parametrize("method", UNSAFE)
@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": EVIL, "Sec_Fetch_Site": "cross-site"},
        {"Origin": EVIL},
        {"Origin": SIBLING, "Sec_Fetch_Site": "same-site"},
        {"Origin": "null", "Sec_Fetch_Site": "cross-site"},  # a sandboxed frame, a data: page
        {"Origin": "null", "Sec_Fetch_Site": "same-origin"},
        {"Origin": "null"},
        {"Origin": ""},
        {},  # a browser that says nothing, or no browser
        {"Sec_Fetch_Site": "same-origin"},  # all that send this also send Origin
        {"Sec_Fetch_Site": "none"},
        {"Referer": f"{OWN}/"},
        {"Origin": EVIL, "Referer": f"{OWN}/"},
        # Somebody on the network plays http://us: nearer than evil, but not us.
        {"Origin": f"http://{HOST}", "Sec_Fetch_Site": "cross-site"},
        {"Origin": f"{OWN}:8443", "Sec_Fetch_Site": "same-site"},
        {"Origin": f"{OWN}.evil.example"},
        {"Origin": f"https://{HOST}@evil.example"},
        {"Origin": f"{OWN}, {EVIL}"},
        {"Origin": EVIL, "X_Forwarded_Host": "evil.example"},
        {"Origin": EVIL, "Forwarded": "host=evil.example"},
    ],
)
async def test_a_forged_form_of_another_page_does_nothing(
    stage: Stage, method: str, headers: dict[str, str]
) -> None:
    assert not await served(stage, method, **headers)


@pytest.mark.parametrize("method", SAFE)
@pytest.mark.parametrize(
    "headers",
    [
        {"Sec_Fetch_Site": "cross-site"},  # <img src>, <script src>, a link
        {"Sec_Fetch_Site": "same-site"},
        {"Sec_Fetch_Site": "cross-site", "Sec_Fetch_Mode": "navigate", "Sec_Fetch_Dest": "iframe"},
        {"Sec_Fetch_Site": "cross-site", "Referer": f"{EVIL}/"},
        {"Sec_Fetch_Site": "cross-site", "Referer": f"{OWN}/"},
        {"Sec_Fetch_Site": ""},
        {"Sec_Fetch_Site": "Same-Origin, cross-site"},
        {"Sec_Fetch_Site": "anything"},
        {"Origin": EVIL, "Sec_Fetch_Site": "cross-site"},
        {"Origin": "null", "Sec_Fetch_Site": "same-origin"},
        {},  # an old browser that was told to send no Referer
        {"Referer": f"{EVIL}/"},
        {"Referer": f"{EVIL}/{OWN}/"},
        {"Referer": OWN},
        {"Referer": "about:blank"},
    ],
)
async def test_a_picture_on_another_page_starts_nothing(
    stage: Stage, method: str, headers: dict[str, str]
) -> None:
    assert not await served(stage, method, **headers)


@pytest.mark.parametrize("path", ["session/status", "session/events"])
async def test_not_even_the_status_is_told_to_other_pages(stage: Stage, path: str) -> None:
    headers = browser(Sec_Fetch_Site="cross-site", Accept="text/event-stream")
    async with stage.http.get(f"/api/chess/{path}", headers=headers) as answer:
        assert answer.status == 403


@pytest.mark.parametrize("path", ["session/open", "session/close"])
async def test_nor_can_they_open_or_close_a_session(stage: Stage, path: str) -> None:
    await stage.add_session(name="mine")
    before = len(stage.api.writes)
    headers = browser(Origin=EVIL, Sec_Fetch_Site="cross-site")
    async with stage.http.post(f"/api/chess/{path}", headers=headers) as answer:
        assert answer.status == 403
    assert len(stage.api.writes) == before
    assert "mine" in stage.api.objects["gamesessions"]


async def test_a_running_session_is_not_touched_by_other_pages(stage: Stage) -> None:
    pod = HttpPod()
    await stage.add_session(pod=pod)
    assert not await served(stage, "GET", Sec_Fetch_Site="cross-site")
    assert pod.requests == []


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": EVIL, "Sec_Fetch_Site": "cross-site"},
        {"Origin": "null"},
        {"Sec_Fetch_Site": "same-origin"},
        {"Sec_Fetch_Site": "none"},
        {"Referer": f"{OWN}/"},
        {},
    ],
)
async def test_a_websocket_of_another_page_is_not_opened(
    stage: Stage, headers: dict[str, str]
) -> None:
    """Browsers ask nobody before they open one, and always say its page's origin."""
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        await stage.http.ws_connect(PATH, headers=browser(**headers))
    assert refused.value.status == 403
    assert stage.api.writes == []


@pytest.mark.parametrize("origin", [OWN, ALLOWED])
async def test_a_websocket_of_a_page_of_ours_is(stage: Stage, origin: str) -> None:
    async def greet(request: web.BaseRequest) -> web.StreamResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await socket.send_str(request.headers["X-Game-User"])
        await socket.close()
        return socket

    await stage.add_session(pod=HttpPod(greet))
    async with stage.http.ws_connect(PATH, headers=browser(Origin=origin)) as socket:
        assert await socket.receive_str(timeout=10) == "alice"


# Other tokens -------------------------------------------------------------------------------------


async def test_who_says_more_than_a_cookie_may_come_from_anywhere(stage: Stage) -> None:
    """No browser adds Authorization because a foreign page wants it to."""
    headers = {**browser(Origin=EVIL, Sec_Fetch_Site="cross-site"), **bearer("bob")}
    pod = HttpPod()
    await stage.add_session(user="bob", pod=pod)
    async with stage.http.post(PATH, headers=headers) as answer:
        assert answer.status == 200
    assert pod.requests[0].headers["X-Game-User"] == "bob"


async def test_what_browsers_add_by_themselves_is_no_more_than_a_cookie(stage: Stage) -> None:
    """They remember Basic for a site, and send it along like the cookie."""
    assert not await served(
        stage, "POST", Origin=EVIL, Sec_Fetch_Site="cross-site", Authorization="Basic YTpi"
    )


async def test_a_bad_authorization_is_not_made_good_by_the_cookie(stage: Stage) -> None:
    headers = browser(Sec_Fetch_Site="same-origin", Authorization="Bearer nonsense")
    async with stage.http.get(PATH, headers=headers) as answer:
        assert answer.status == 401


@pytest.mark.parametrize(
    "cookie",
    [
        "",
        "auth=",
        "auth=nonsense",
        f"auth={token(exp=1)}",
        f"auth={token(key='another secret of thirty-two bytes!')}",
        f"Auth={token()}",
        f"__Host-auth={token()}",
        f"auth=nonsense; auth={token()}",
        f"a={token()}",
    ],
)
async def test_a_cookie_that_does_not_hold_a_good_token_is_none(stage: Stage, cookie: str) -> None:
    headers = {"Cookie": cookie, "Sec-Fetch-Site": "same-origin"}
    async with stage.http.get(PATH, headers=headers) as answer:
        assert answer.status == 401
        error = await error_of(answer)
        assert error["code"] == "unauthorized"
    assert stage.api.writes == []


async def test_without_a_configured_name_no_cookie_is_a_token() -> None:
    async with Stage() as stage:
        await stage.add_game()
        async with stage.http.get(PATH, headers=browser(Sec_Fetch_Site="same-origin")) as answer:
            assert answer.status == 401
            assert "cookie" not in (await error_of(answer))["message"]


# What pods see and say ----------------------------------------------------------------------------


async def test_the_pod_gets_the_games_cookies_without_the_token(stage: Stage) -> None:
    pod = HttpPod()
    await stage.add_session(pod=pod)
    assert await served(stage, "GET", Sec_Fetch_Site="same-origin")
    headers = {**bearer(), "Cookie": f"z=1; auth={token()}; a=2; z=3"}
    async with stage.http.get(PATH, headers=headers) as answer:
        assert answer.status == 200
    async with stage.http.get(PATH, headers={**bearer(), "Cookie": "auth=x"}) as answer:
        assert answer.status == 200
    assert [request.headers.get("Cookie") for request in pod.requests] == [
        "a=1; b=2",
        "z=1; a=2; z=3",
        None,
    ]
    parts = token().split(".")
    for request in pod.requests:
        raw = b"".join(name + value for name, value in request.raw_headers)
        assert not any(part.encode() in raw for part in parts)


async def test_a_game_that_gets_authorization_does_not_get_the_cookie_as_one(stage: Stage) -> None:
    pod = HttpPod()
    await stage.add_game("go", forwardAuthorization=True)
    await stage.add_session(game="go", pod=pod)
    headers = browser(Sec_Fetch_Site="same-origin")
    async with stage.http.get("/api/go/", headers=headers) as answer:
        assert answer.status == 200
    assert "Authorization" not in pod.requests[0].headers
    assert pod.requests[0].headers["Cookie"] == "a=1; b=2"


SET = [
    ("Set-Cookie", "score=1; Path=/"),
    ("Set-Cookie", "auth=evil; Path=/; Domain=example.com"),
    ("Set-Cookie", "=auth=evil; Path=/api"),
    ("set-cookie", ' "auth" = evil'),
    ("Set-Cookie", "auth=; Max-Age=0"),
    ("Set-Cookie", "level=2"),
    ("Clear-Site-Data", '"cookies"'),
    ("Clear-Site-Data", '"*"'),
    ("Service-Worker-Allowed", "/"),
]


async def test_a_pod_cannot_make_somebody_else_of_who_plays(stage: Stage) -> None:
    """Nor log them out: whoever could set the cookie would decide whose game it is."""

    async def handler(request: web.BaseRequest) -> web.StreamResponse:
        answer = web.Response(text="x")
        for name, value in SET:
            answer.headers.add(name, value)
        return answer

    await stage.add_session(pod=HttpPod(handler))
    async with stage.get(PATH) as answer:
        assert answer.headers.getall("Set-Cookie") == ["score=1; Path=/", "level=2"]
        assert "Clear-Site-Data" not in answer.headers
        assert "Service-Worker-Allowed" not in answer.headers


async def test_nor_can_it_with_the_answer_that_opens_a_websocket(stage: Stage) -> None:
    async def handler(request: web.BaseRequest) -> web.StreamResponse:
        socket = web.WebSocketResponse()
        for name, value in SET:
            socket.headers.add(name, value)
        await socket.prepare(request)
        await socket.close()
        return socket

    await stage.add_session(pod=HttpPod(handler))
    async with stage.http.ws_connect(PATH, headers=bearer()) as socket:
        headers = socket._response.headers
        assert headers.getall("Set-Cookie") == ["score=1; Path=/", "level=2"]
        assert "Clear-Site-Data" not in headers


@pytest.mark.parametrize("status", [204, 301, 304, 404, 500])
async def test_nor_with_any_other_status(stage: Stage, status: int) -> None:
    async def handler(request: web.BaseRequest) -> web.StreamResponse:
        headers = {"Set-Cookie": "auth=evil", "Location": "/"}
        return web.Response(status=status, headers=headers)

    await stage.add_session(pod=HttpPod(handler))
    async with stage.get(PATH) as answer:
        assert answer.status == status
        assert "Set-Cookie" not in answer.headers


async def test_all_cookies_are_a_games_own_where_none_is_configured() -> None:
    async def handler(request: web.BaseRequest) -> web.StreamResponse:
        return web.Response(headers={"Set-Cookie": "auth=1", "Clear-Site-Data": '"cookies"'})

    async with Stage() as stage:
        await stage.add_game()
        pod = HttpPod(handler)
        await stage.add_session(pod=pod)
        async with stage.get(PATH, headers={"Cookie": "auth=1"}) as answer:
            assert answer.headers["Set-Cookie"] == "auth=1"
            assert answer.headers["Clear-Site-Data"] == '"cookies"'
        assert pod.requests[0].headers["Cookie"] == "auth=1"


# A person at a browser ----------------------------------------------------------------------------

NAVIGATION = {
    "Sec_Fetch_Mode": "navigate",
    "Sec_Fetch_Dest": "document",
    "Accept": "text/html,application/xhtml+xml,*/*;q=0.8",
}


async def page_of(stage: Stage, **headers: Any) -> aiohttp.ClientResponse:
    answer = await stage.http.get(PATH, headers=browser(**{**NAVIGATION, **headers}))
    async with answer:
        await answer.read()
        return answer


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
async def test_who_follows_a_link_from_another_site_is_asked_first(stage: Stage, site: str) -> None:
    answer = await page_of(stage, Sec_Fetch_Site=site, Referer=f"{EVIL}/")
    assert answer.status == 403
    assert answer.content_type == "text/html"
    page = await answer.text()
    assert '<a href="">Continue</a>' in page
    assert "<script" not in page
    # In a frame of another page somebody could be made to click it.
    assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]
    assert answer.headers["X-Frame-Options"] == "DENY"
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["X-Request-Id"]
    assert stage.api.writes == []


async def test_the_link_of_that_page_leads_to_the_game(stage: Stage) -> None:
    """A click on a page of ours is a navigation from our own origin."""
    answer = await page_of(stage, Sec_Fetch_Site="same-origin", Referer=f"{OWN}{PATH}")
    assert answer.status == 200
    answer = await page_of(stage, Referer=f"{OWN}{PATH}")
    assert answer.status == 200


async def test_it_asks_in_chinese_too(stage: Stage) -> None:
    answer = await page_of(stage, Sec_Fetch_Site="cross-site", Accept_Language="zh-CN,zh;q=0.9")
    assert '<html lang="zh' in await answer.text()


async def test_who_comes_back_from_a_login_page_that_is_allowed_is_not_asked(stage: Stage) -> None:
    answer = await page_of(stage, Sec_Fetch_Site="cross-site", Referer=f"{ALLOWED}/")
    assert answer.status == 200
