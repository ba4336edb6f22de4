"""What a real browser may do in a user's name, and what the pages of others may not.

Other pages stand at another port of the same host: another origin of the same site. That is the
nearest a foreign page can be, and Chromium sends it our cookie along with everything.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiohttp import web
from playwright.async_api import Browser, Page, expect

from tests.handlers.gateway.chromium import chromium
from tests.handlers.gateway.pods import HttpPod
from tests.handlers.gateway.stage import Stage, token
from tests.handlers.gateway.test_process import free_port

MILLISECONDS = 30_000.0
"""Generous, for a slow machine must not turn a test red."""

PATH = "/api/chess/play"

expect.set_options(timeout=MILLISECONDS)


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    async with chromium() as found:
        yield found


Handler = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]


@asynccontextmanager
async def other_origin(port: int, handler: Handler) -> AsyncIterator[str]:
    """Pages of another origin."""
    runner = web.ServerRunner(web.Server(handler), shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    yield f"http://127.0.0.1:{port}"
    await runner.cleanup()


def html(text: str) -> web.Response:
    return web.Response(text=f"<!doctype html>{text}", content_type="text/html")


async def empty(request: web.BaseRequest) -> web.StreamResponse:
    return html("<p>another page</p>")


async def game(request: web.BaseRequest) -> web.StreamResponse:
    """A game with a page, a WebSocket and an event stream."""
    if "Upgrade" in request.headers:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await socket.send_str(request.headers["X-Game-User"])
        await socket.close()
        return socket
    if request.headers.get("Accept") == "text/event-stream":
        user = request.headers["X-Game-User"]
        return web.Response(text=f"data: {user}\n\n", content_type="text/event-stream")
    cookies = request.headers.get("Cookie", "")
    answer = html(f"<h1>chess</h1><p id=cookies>{cookies}</p>")
    for evil in ("auth=evil", "=auth=evil", " auth = evil", '="auth"=evil', "auth=; Max-Age=0"):
        answer.headers.add("Set-Cookie", f"{evil}; Path=/api/chess/")
        answer.headers.add("Set-Cookie", f"{evil}; Path=/")
    answer.headers["Clear-Site-Data"] = '"cookies"'
    answer.headers.add("Set-Cookie", "level=3; Path=/")
    return answer


async def page_in(browser: Browser, stage: Stage, *, cookie: bool = True) -> Page:
    context = await browser.new_context()
    context.set_default_timeout(MILLISECONDS)
    if cookie:
        await log_in(context, stage)
    return await context.new_page()


async def log_in(context: Any, stage: Stage) -> None:
    of = {"name": "auth", "value": token(), "url": str(stage.url), "httpOnly": True}
    await context.add_cookies([{**of, "sameSite": "Lax"}])


# Each tries to do something in the user's name, and says what became of it.
TRIES = """async (url) => {
  const within = (promise) => Promise.race([
    promise, new Promise((resolve) => setTimeout(() => resolve("nothing"), 20000))]);
  const fetched = async (url, options) => {
    try {
      const answer = await fetch(url, {credentials: "include", ...options});
      if (answer.type === "opaque") return "opaque";
      return `${answer.status} ${answer.headers.get("X-Game-Start")}`;
    } catch (error) { return "refused"; }
  };
  const socket = () => new Promise((resolve) => {
    const opened = new WebSocket(url.replace("http", "ws"));
    opened.onmessage = (event) => resolve(event.data);
    opened.onerror = () => resolve("refused");
  });
  const events = () => new Promise((resolve) => {
    const source = new EventSource(url, {withCredentials: true});
    source.onmessage = (event) => { source.close(); resolve(event.data); };
    source.onerror = () => { source.close(); resolve("refused"); };
  });
  const image = () => new Promise((resolve) => {
    const found = new Image();
    found.onload = found.onerror = () => resolve("asked");
    found.src = url;
  });
  const json = {"Content-Type": "application/json"};
  return {
    get: await within(fetched(url)),
    blind_get: await within(fetched(url, {mode: "no-cors"})),
    post: await within(fetched(url, {method: "POST", body: "a=1"})),
    blind_post: await within(fetched(url, {method: "POST", body: "a=1", mode: "no-cors"})),
    put: await within(fetched(url, {method: "PUT", body: "{}", headers: json})),
    socket: await within(socket()),
    events: await within(events()),
    image: await within(image()),
  };
}"""

FORM = """(url) => {
  const form = document.createElement("form");
  form.method = "POST";
  form.action = url;
  document.body.append(form);
  form.submit();
}"""


async def test_the_page_of_another_origin_can_do_nothing(browser: Browser) -> None:
    async with Stage(auth_cookie="auth") as stage, other_origin(free_port(), empty) as evil:
        await stage.add_game()
        page = await page_in(browser, stage)
        await page.goto(evil)
        found = await page.evaluate(TRIES, f"{stage.url}{PATH}")
        assert found == {
            "get": "refused",
            "blind_get": "opaque",
            "post": "refused",
            "blind_post": "opaque",
            "put": "refused",
            "socket": "refused",
            "events": "refused",
            "image": "asked",
        }
        async with page.expect_navigation() as navigation:
            await page.evaluate(FORM, f"{stage.url}{PATH}")
        answer = await navigation.value
        assert answer is not None
        assert answer.status == 403
        assert stage.api.writes == []


async def test_the_page_of_an_allowed_origin_can(browser: Browser) -> None:
    port = free_port()
    friend = f"http://127.0.0.1:{port}"
    async with (
        Stage(auth_cookie="auth", allowed_origins=friend) as stage,
        other_origin(port, empty),
    ):
        stage.pod_for = lambda session: HttpPod(game)
        await stage.add_game()
        page = await page_in(browser, stage)
        await page.goto(friend)
        found = await page.evaluate(TRIES, f"{stage.url}{PATH}")
        assert found.pop("get") in ("200 cold", "200 reused")
        assert found == {
            "blind_get": "opaque",
            "post": "200 reused",
            "blind_post": "opaque",
            "put": "200 reused",
            "socket": "alice",
            "events": "alice",
            "image": "asked",
        }


async def test_a_page_of_the_game_can_and_its_pod_changes_nothing_of_who_it_is(
    browser: Browser,
) -> None:
    async with Stage(auth_cookie="auth") as stage:
        await stage.add_game()
        await stage.add_session(pod=HttpPod(game))
        page = await page_in(browser, stage)
        await page.goto(f"{stage.url}{PATH}")
        found = await page.evaluate(TRIES, f"{stage.url}{PATH}")
        assert found == {
            **dict.fromkeys(("get", "blind_get", "post", "blind_post", "put"), "200 reused"),
            "socket": "alice",
            "events": "alice",
            "image": "asked",
        }
        await page.reload()
        await expect(page.locator("#cookies")).to_have_text("level=3")
        kept = {each["name"]: each["value"] for each in await page.context.cookies()}
        assert kept == {"auth": kept["auth"], "level": "3"}
        assert kept["auth"] != "evil"


async def test_a_link_on_another_page_leads_to_the_game_after_a_click(browser: Browser) -> None:
    async def linking(request: web.BaseRequest) -> web.StreamResponse:
        return html(f'<a href="{stage.url}{PATH}?level=2">play</a>')

    async with Stage(auth_cookie="auth") as stage, other_origin(free_port(), linking) as elsewhere:
        stage.pod_for = lambda session: HttpPod(game)
        await stage.add_game()
        page = await page_in(browser, stage)
        await page.goto(elsewhere)
        await page.get_by_text("play").click()
        await expect(page.locator("h1")).to_have_text("You come from another site")
        await page.reload()
        await expect(page.locator("h1")).to_have_text("You come from another site")
        assert stage.api.writes == []
        await page.get_by_text("Continue").click()
        await expect(page.locator("h1")).to_have_text("chess")
        assert page.url == f"{stage.url}{PATH}?level=2"
        await page.reload()
        await expect(page.locator("h1")).to_have_text("chess")


@pytest.mark.parametrize("has_a_page", [True, False])
async def test_who_has_no_token_logs_in_and_comes_back(browser: Browser, has_a_page: bool) -> None:
    """With a page of the login's own between, or straight on for who is logged in there."""
    port = free_port()

    async def login(request: web.BaseRequest) -> web.StreamResponse:
        back = request.url.query.get("next", "")
        if has_a_page and request.path == "/login":
            return html(f'<form action="/done"><input name=next value="{back}"><button>in</button>')
        answer = web.Response(status=302, headers={"Location": back})
        answer.set_cookie("auth", token(), httponly=True, samesite="Lax")
        return answer

    origin = f"http://127.0.0.1:{port}"
    url = f"{origin}/login?next={{return}}"
    async with (
        Stage(auth_cookie="auth", login_url=url, allowed_origins=origin) as stage,
        other_origin(port, login),
    ):
        stage.pod_for = lambda session: HttpPod(game)
        await stage.add_game()
        page = await page_in(browser, stage, cookie=False)
        await page.goto(f"{stage.url}{PATH}?a=1&b=%2F")
        if has_a_page:
            await page.get_by_text("in").click()
        await expect(page.locator("h1")).to_have_text("chess")
        assert page.url == f"{stage.url}{PATH}?a=1&b=%2F"
