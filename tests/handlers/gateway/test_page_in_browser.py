"""The pages in a real browser, as people see them. The pictures are in `.artifacts/pages`."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from playwright.async_api import Browser, BrowserContext, Page, expect

from tests.handlers.gateway.chromium import chromium
from tests.handlers.gateway.pods import HttpPod
from tests.handlers.gateway.stage import Stage, token

PICTURES = Path(__file__).parents[3] / ".artifacts" / "pages"
DEADLINE = 30_000.0
"""Milliseconds; generous, for a slow machine must not turn a test red."""

COOKIE = "game-token"
SCREENS: dict[str, Any] = {
    "phone": {"width": 320, "height": 568},
    "desk": {"width": 1000, "height": 700},
}

expect.set_options(timeout=DEADLINE)


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    async with chromium() as found:
        yield found


@pytest.fixture
async def waiting() -> AsyncIterator[Stage]:
    """A stage on which sessions stay Pending until a test gives them a pod."""
    async with Stage(page_after=timedelta(milliseconds=100), auth_cookie=COOKIE) as stage:
        stage.pod_for = lambda session: None
        await stage.add_game()
        yield stage


class Visit:
    """A user's browser at a game.

    Attributes:
        errors: what the console said of the page: errors, and violations of its policy.
        asked: the URLs that were asked for.
    """

    def __init__(self, stage: Stage, context: BrowserContext, page: Page) -> None:
        self.stage = stage
        self.context = context
        self.page = page
        self.errors: list[str] = []
        self.asked: list[str] = []
        page.on("console", self._heard)
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("request", lambda request: self.asked.append(request.url))

    def _heard(self, message: Any) -> None:
        # That the page itself is a 503 is told as an error, too.
        if message.type == "error" and "Failed to load resource" not in message.text:
            self.errors.append(message.text)

    async def go(self, path: str = "/api/chess/play?level=3") -> None:
        """Navigate, as by the address bar."""
        await self.page.goto(f"{self.stage.url}{path}", timeout=DEADLINE)

    async def picture(self, name: str) -> None:
        """Keep what is seen."""
        PICTURES.mkdir(parents=True, exist_ok=True)
        await self.page.screenshot(path=PICTURES / f"{name}.png")

    async def fits(self) -> bool:
        """Whether nothing stands out on the right."""
        script = "document.documentElement.scrollWidth <= document.documentElement.clientWidth"
        return bool(await self.page.evaluate(script))

    def asked_only_here(self) -> bool:
        """Whether nothing was asked of anybody else."""
        return all(url.startswith((str(self.stage.url), "data:")) for url in self.asked)


async def visit(stage: Stage, browser: Browser, user: str = "alice", **of: Any) -> Visit:
    """A browser whose user has logged in. Args: of: as `Browser.new_context`."""
    context = await browser.new_context(viewport=of.pop("viewport", SCREENS["desk"]), **of)
    context.set_default_timeout(DEADLINE)
    url = str(stage.url)
    await context.add_cookies([{"name": COOKIE, "value": token(user), "url": url}])
    return Visit(stage, context, await context.new_page())


def name_of(stage: Stage) -> str:
    return str(stage.session()["metadata"]["name"])


async def board(request: web.BaseRequest) -> web.StreamResponse:
    """A game's page, which says how it was asked."""
    text = f"<!doctype html><title>Chess</title><h1>Your move</h1><p>{request.raw_path}</p>"
    return web.Response(text=text, content_type="text/html")


def stands(stage: Stage, phase: str, reason: str) -> None:
    """Say where a session stands, and why."""

    def change(session: Any) -> None:
        condition = {"type": "Ready", "status": "False", "reason": reason, "message": "m"}
        session["status"] = {
            **session.get("status", {}),
            "phase": phase,
            "conditions": [condition],
        }

    stage.api.change("gamesessions", name_of(stage), change)


async def test_the_page_follows_the_start_and_opens_the_game(
    waiting: Stage, browser: Browser
) -> None:
    found = await visit(waiting, browser)
    page = found.page
    await found.go()
    await expect(page).to_have_title("Starting chess")
    await expect(page.locator("#what")).to_have_text("Looking for a free place.")
    await expect(page.locator("li[aria-current=step]")).to_have_text("Find a place")
    await found.picture("pending")

    stands(waiting, "Pending", "AwaitingCapacity")
    await expect(page.locator("#what")).to_contain_text("You are in line")
    await found.picture("in-line")

    pod = HttpPod(board)
    made = waiting.give_pod(name_of(waiting), pod)
    stands(waiting, "Starting", "PodStarting")
    await expect(page.locator("#what")).to_have_text("Your own server is being started.")
    await expect(page.locator("li[aria-current=step]")).to_have_text("Start")
    await expect(page.locator("li.done")).to_have_text("Find a place")
    await found.picture("starting")

    await pod.listen()
    waiting.set_ready(name_of(waiting), made)
    await expect(page.locator("h1:visible")).to_have_text("Your move")
    await expect(page.locator("p")).to_have_text("/api/chess/play?level=3")
    assert found.errors == []
    assert found.asked_only_here()
    assert waiting.api.count("create", "gamesessions") == 1


async def test_the_time_runs_without_being_read_out(waiting: Stage, browser: Browser) -> None:
    found = await visit(waiting, browser)
    await found.go()
    await expect(found.page.locator("#elapsed")).to_have_text(re.compile("0:0[3-9]|0:[1-9]"))
    assert await found.page.locator("#elapsed").get_attribute("role") == "timer"
    # What is read out was written once, by the server.
    assert await found.page.locator("[aria-live] #elapsed").count() == 0


async def test_without_scripts_the_page_loads_itself_again(
    waiting: Stage, browser: Browser
) -> None:
    found = await visit(waiting, browser, java_script_enabled=False)
    await found.go()
    await expect(found.page.locator("h1:visible")).to_have_text("Starting chess")
    await found.picture("without-scripts")
    stands(waiting, "Pending", "AwaitingCapacity")
    await expect(found.page.locator("#what")).to_contain_text("You are in line")
    await waiting.bind(name_of(waiting), HttpPod(board))
    await expect(found.page.locator("h1:visible")).to_have_text("Your move")


async def test_where_no_events_can_be_had_the_status_is_asked_for(
    waiting: Stage, browser: Browser
) -> None:
    found = await visit(waiting, browser)

    async def refuse(route: Any) -> None:
        await route.fulfill(status=429, body="")

    await found.page.route("**/session/events", refuse)
    await found.go()
    await expect(found.page.locator("h1:visible")).to_have_text("Starting chess")
    await found.page.wait_for_event("request", lambda each: each.url.endswith("/session/status"))
    await waiting.bind(name_of(waiting), HttpPod(board))
    await expect(found.page.locator("h1:visible")).to_have_text("Your move")


async def test_a_failure_is_told_with_its_reason_and_can_be_tried_again(
    waiting: Stage, browser: Browser
) -> None:
    found = await visit(waiting, browser)
    page = found.page
    await found.go()
    await expect(page.locator("h1:visible")).to_have_text("Starting chess")
    words = 'ImagePullBackOff: image "registry/chess:<b>9</b>" was not found.'
    waiting.fail(name_of(waiting), words)
    await expect(page.locator("#failure")).to_be_visible()
    await expect(page.locator("#waiting")).to_be_hidden()
    await expect(page.locator("#failure-title")).to_have_text("chess could not be started")
    await expect(page).to_have_title("chess could not be started")
    await expect(page.locator("#detail")).to_have_text(words)
    await found.picture("failed")

    failed_at = datetime.now(UTC) - timedelta(minutes=1)
    waiting.fail(name_of(waiting), words, failedAt=failed_at.isoformat().replace("+00:00", "Z"))
    waiting.pod_for = lambda session: HttpPod(board)
    await page.locator("a.button").click()
    await expect(page.locator("h1:visible")).to_have_text("Your move")
    assert found.errors == []


async def test_a_session_that_ends_meanwhile_is_not_made_anew_by_itself(
    waiting: Stage, browser: Browser
) -> None:
    found = await visit(waiting, browser)
    await found.go()
    await expect(found.page.locator("h1:visible")).to_have_text("Starting chess")
    waiting.api.remove("gamesessions", name_of(waiting))
    await expect(found.page.locator("#failure-title")).to_have_text("The session has ended")
    assert waiting.api.objects["gamesessions"] == {}
    await found.picture("ended")


async def test_a_reason_to_fail_that_is_there_already_is_a_page_of_its_own(
    waiting: Stage, browser: Browser
) -> None:
    await waiting.add_game("chess", limits={"maxPending": 0})
    found = await visit(waiting, browser)
    await found.go()
    await expect(found.page.locator("h1:visible")).to_have_text("Too many at once")
    await found.picture("no-room")
    await waiting.add_game("chess")
    await expect(found.page.locator("h1:visible")).to_have_text("Starting chess")
    assert found.errors == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("language", ["en-US", "zh-TW"])
@pytest.mark.parametrize("screen", ["desk", "phone"])
async def test_it_fits_every_screen_scheme_and_language(
    waiting: Stage, browser: Browser, scheme: Any, language: str, screen: str
) -> None:
    found = await visit(
        waiting,
        browser,
        color_scheme=scheme,
        locale=language,
        viewport=SCREENS[screen],
        reduced_motion="reduce",
    )
    page = found.page
    await found.go()
    title = "Starting chess" if language == "en-US" else "正在启动 chess"
    await expect(page.locator("h1:visible")).to_have_text(title)
    assert await found.fits()
    ground = await page.evaluate("getComputedStyle(document.body).backgroundColor")
    brightness = sum(map(int, re.findall(r"\d+", ground)[:3])) / 3
    assert (brightness < 80) if scheme == "dark" else (brightness > 200)
    mark = "getComputedStyle(document.querySelector('.mark')).animationName"
    assert await page.evaluate(mark) == "none"
    stands(waiting, "Pending", "AwaitingCapacity")
    await expect(page.locator("#what")).to_contain_text(
        "You are in line" if language == "en-US" else "排队"
    )
    await found.picture(f"waiting-{screen}-{scheme}-{language}")
    waiting.fail(name_of(waiting), "Image registry.example.com/games/chess:9 was not found. " * 6)
    await expect(page.locator("#failure")).to_be_visible()
    assert await found.fits()
    await found.picture(f"failed-{screen}-{scheme}-{language}")
    assert found.errors == []
