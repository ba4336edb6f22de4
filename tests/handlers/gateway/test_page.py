"""The pages that people get in place of errors: who gets one, and what it says."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from html.parser import HTMLParser
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from gamesession.api.instant import format_instant
from gamesession.gateway.language import texts_in
from tests.handlers.gateway.pods import HttpPod
from tests.handlers.gateway.stage import Stage

BROWSER = {
    "Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
    "Sec-Fetch-Mode": "navigate",
    "Sec-Fetch-Dest": "document",
}
OLD_BROWSER = {"Accept": "text/html"}
MOST_BYTES = 10 * 1024


class Page(HTMLParser):
    """A page, read as a browser reads it."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text: dict[str, str] = {}
        self._open: list[str] = []
        self.html = html
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in ("meta", "link", "br"):
            self._open.append(dict(attrs).get("id") or tag)

    def handle_endtag(self, tag: str) -> None:
        self._open.pop()

    def handle_data(self, data: str) -> None:
        if self._open:
            self.text[self._open[-1]] = self.text.get(self._open[-1], "") + data

    def all(self, tag: str) -> list[dict[str, str | None]]:
        """The attributes of all elements of a name."""
        return [attributes for found, attributes in self.elements if found == tag]

    @property
    def facts(self) -> Any:
        """What the script goes by."""
        return json.loads(self.text["facts"])


async def page_of(answer: aiohttp.ClientResponse) -> Page:
    """The page in an answer, of which all that holds of every page is checked."""
    body = await answer.read()
    headers = answer.headers
    assert headers["Content-Type"] == "text/html; charset=utf-8"
    assert headers["Cache-Control"] == "no-store"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert len(body) < MOST_BYTES
    page = Page(body.decode())
    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    nonce = re.search(r"script-src 'nonce-([^']+)'", policy)
    assert nonce is not None
    for element in page.all("style") + [e for e in page.all("script") if e.get("type") is None]:
        assert element["nonce"] == nonce[1]
    assert not [a for _, a in page.elements if "style" in a or any(n.startswith("on") for n in a)]
    outside = [a.get("src") or a.get("href") for _, a in page.elements if "src" in a or "href" in a]
    assert set(outside) <= {"", "data:,"}
    assert page.all("html")[0]["lang"] == headers["Content-Language"]
    assert page.text["title"].strip()
    assert answer.headers["X-Request-Id"] in page.html
    return page


@pytest.fixture
async def waiting() -> AsyncIterator[Stage]:
    """A stage on which sessions stay Pending."""
    async with Stage(page_after=timedelta(milliseconds=500), hold=timedelta(seconds=1)) as stage:
        stage.pod_for = lambda session: None
        await stage.add_game()
        yield stage


# Who gets one -------------------------------------------------------------------------------------


@pytest.mark.parametrize("headers", [BROWSER, OLD_BROWSER, {**BROWSER, "Sec-Fetch-Dest": "iframe"}])
async def test_a_navigation_gets_the_waiting_page(waiting: Stage, headers: dict[str, str]) -> None:
    async with waiting.get("/api/chess/", headers=headers) as answer:
        assert answer.status == 503
        assert int(answer.headers["Retry-After"]) > 0
        page = await page_of(answer)
    assert page.text["h1"] == "Starting chess"
    assert waiting.api.count("create", "gamesessions") == 1


@pytest.mark.parametrize(
    ("method", "headers"),
    [
        ("GET", {}),
        ("GET", {"Accept": "*/*"}),
        ("GET", {"Accept": "application/json"}),
        ("GET", {**BROWSER, "Sec-Fetch-Mode": "cors", "Sec-Fetch-Dest": "empty"}),
        ("GET", {**BROWSER, "Sec-Fetch-Dest": "image"}),
        ("GET", {**BROWSER, "Sec-Fetch-Dest": "script"}),
        ("POST", BROWSER),
    ],
)
async def test_anything_else_gets_json(
    waiting: Stage, method: str, headers: dict[str, str]
) -> None:
    async with waiting.request(method, "/api/chess/", headers=headers) as answer:
        assert answer.status == 503
        assert (await answer.json())["error"]["code"] == "session_starting"


async def test_a_head_gets_the_head_of_the_page(waiting: Stage) -> None:
    async with waiting.request("HEAD", "/api/chess/", headers=BROWSER) as answer:
        assert answer.status == 503
        assert answer.headers["Content-Type"].startswith("text/html")
        assert await answer.read() == b""


async def test_the_endpoints_speak_json_to_browsers_too(waiting: Stage) -> None:
    async with waiting.get("/api/chess/session/status", headers=BROWSER) as answer:
        assert (await answer.json())["has_session"] is False
    async with waiting.get("/api/chess/session/none", headers=BROWSER) as answer:
        assert (await answer.json())["error"]["code"] == "not_found"


async def test_a_navigation_is_held_for_less_than_others() -> None:
    """The hold of others is so long that only the shorter one can end within the test."""
    async with Stage(page_after=timedelta(milliseconds=50), hold=timedelta(hours=1)) as stage:
        stage.pod_for = lambda session: None
        await stage.add_game()
        async with stage.get("/api/chess/", headers=BROWSER) as answer:
            await page_of(answer)


async def test_a_navigation_is_held_as_long_as_others_where_a_fallback_waits_for_it() -> None:
    fallback = {"service": "elsewhere", "port": 80, "onSlowStart": True}
    async with Stage(page_after=timedelta(milliseconds=1), hold=timedelta(hours=1)) as stage:
        stage.pod_for = lambda session: None
        await stage.add_game("chess", fallback=fallback)
        asking = asyncio.create_task(_navigate(stage))
        done, _ = await asyncio.wait({asking}, timeout=0.5)
        assert not done
        asking.cancel()


async def _navigate(stage: Stage) -> None:
    async with stage.get("/api/chess/", headers=BROWSER) as answer:
        await answer.read()


async def test_who_need_not_wait_gets_the_game(stage: Stage) -> None:
    async with stage.get("/api/chess/", headers=BROWSER) as answer:
        assert answer.status == 200
        assert answer.headers["Content-Type"].startswith("application/json")


# What it says -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("language", "says"),
    [
        ("", "en"),
        ("en-US,en;q=0.9", "en"),
        ("de,fr;q=0.5", "en"),
        ("zh", "zh-Hans"),
        ("zh-TW", "zh-Hans"),
        ("ZH-Hant-HK", "zh-Hans"),
        ("de, zh-CN;q=0.8, en;q=0.7", "zh-Hans"),
        ("zh;q=0.3, en;q=0.7", "en"),
        ("zh;q=0, de", "en"),
        ("zh;q=x, *", "en"),
        (";;,,q=1", "en"),
    ],
)
async def test_it_speaks_the_browsers_language(waiting: Stage, language: str, says: str) -> None:
    headers = {**BROWSER, "Accept-Language": language}
    async with waiting.get("/api/chess/", headers=headers) as answer:
        page = await page_of(answer)
    assert page.all("html")[0]["lang"] == says
    assert ("启动" in page.html) is (says != "en")


async def test_it_says_what_it_waits_for_and_since_when(waiting: Stage) -> None:
    async with waiting.get("/api/chess/", headers=BROWSER) as answer:
        page = await page_of(answer)
        assert page.text["what"] == "Looking for a free place."

    def full(session: Any) -> None:
        minutes = datetime.now(UTC) - timedelta(minutes=61, seconds=5)
        session["metadata"]["creationTimestamp"] = minutes.strftime("%Y-%m-%dT%H:%M:%SZ")
        condition = {"type": "Ready", "status": "False", "reason": "AwaitingCapacity"}
        session["status"] = {
            "phase": "Pending",
            "conditions": [{**condition, "message": "For administrators."}],
        }

    waiting.api.change("gamesessions", waiting.session()["metadata"]["name"], full)
    async with waiting.get("/api/chess/", headers=BROWSER) as answer:
        page = await page_of(answer)
    assert "in line" in page.text["what"]
    assert page.text["elapsed"].startswith("61:")
    assert "For administrators." not in page.html


async def test_after_the_loss_of_a_pod_the_time_counts_from_there(waiting: Stage) -> None:
    session = await waiting.add_session()

    def lost(found: Any) -> None:
        found["metadata"]["creationTimestamp"] = "2020-01-01T00:00:00Z"
        found["status"] |= {
            "phase": "Starting",
            "podUID": "another",
            "startingSince": format_instant(datetime.now(UTC)),
        }

    waiting.api.change("gamesessions", session["metadata"]["name"], lost)
    async with waiting.get("/api/chess/", headers=BROWSER) as answer:
        page = await page_of(answer)
    assert page.text["elapsed"].startswith("0:")
    assert page.text["what"] == "Your own server is being started."


async def test_it_works_without_scripts(waiting: Stage) -> None:
    async with waiting.get("/api/chess/", headers=BROWSER) as answer:
        page = await page_of(answer)
    assert re.search(r'<noscript><meta http-equiv="refresh" content="\d+"></noscript>', page.html)


async def test_it_can_be_read_out(waiting: Stage) -> None:
    async with waiting.get("/api/chess/", headers=BROWSER) as answer:
        page = await page_of(answer)
    told = [each for _, each in page.elements if each.get("role") == "status"]
    assert [each["aria-live"] for each in told] == ["polite"]
    assert len([each for each in page.all("li") if each.get("aria-current") == "step"]) == 1
    assert {"name": "viewport", "content": "width=device-width, initial-scale=1"} in page.all(
        "meta"
    )


@pytest.mark.parametrize(
    ("path", "way"),
    [
        ("/api/chess", "chess/session"),
        ("/api/chess?a=/b", "chess/session"),
        ("/api/chess/", "session"),
        ("/api/chess/x", "session"),
        ("/api/chess/x?a=/b/c", "session"),
        ("/api/chess/x/y", "../session"),
        ("/api/chess//y", "../session"),
        ("/api/%63hess/x/", "../session"),
    ],
)
async def test_its_endpoints_are_found_below_any_prefix(
    waiting: Stage, path: str, way: str
) -> None:
    async with waiting.get(path, headers=BROWSER) as answer:
        facts = (await page_of(answer)).facts
    assert (facts["events"], facts["status"]) == (f"{way}/events", f"{way}/status")


# Errors -------------------------------------------------------------------------------------------


async def test_a_failure_is_told_in_its_own_words_and_as_text(waiting: Stage) -> None:
    async with waiting.post("/api/chess/session/open") as answer:
        assert answer.status == 202
    words = "Image <script>alert('x')</script> & \"more\" is missing."
    waiting.fail(waiting.session()["metadata"]["name"], words)

    async with waiting.get("/api/chess/", headers=BROWSER) as answer:
        page = await page_of(answer)
        assert answer.status in (502, 503)
        if answer.status == 503:  # the watch has not told yet
            async with waiting.get("/api/chess/", headers=BROWSER) as later:
                page = await page_of(later)
    assert page.text["failure-title"] == "chess could not be started"
    assert page.text["detail"] == words
    assert "<script>alert" not in page.html
    assert page.all("a") == [{"class": "button", "href": ""}]


@pytest.mark.parametrize("language", ["en", "zh"])
async def test_a_closed_game_says_so(waiting: Stage, language: str) -> None:
    await waiting.add_game("chess", suspend=True)
    headers = {**BROWSER, "Accept-Language": language}
    async with waiting.get("/api/chess/", headers=headers) as answer:
        assert answer.status == 503
        page = await page_of(answer)
    assert (
        page.text["failure-title"]
        == {
            "en": "chess is closed for now",
            "zh": "chess 暂停开放",
        }[language]
    )
    assert "refresh" not in page.html


async def test_where_there_is_no_room_the_page_tries_again(waiting: Stage) -> None:
    await waiting.add_game("chess", limits={"maxPending": 0})
    async with waiting.get("/api/chess/", headers=BROWSER) as answer:
        assert answer.status == 429
        page = await page_of(answer)
        seconds = answer.headers["Retry-After"]
    assert {"http-equiv": "refresh", "content": seconds} in page.all("meta")
    assert "again by itself" in page.html


async def test_without_the_api_server_a_person_is_told_so(waiting: Stage) -> None:
    await waiting.api.go_away()
    async with waiting.get("/api/chess/", headers=BROWSER) as answer:
        assert answer.status == 503
        page = await page_of(answer)
    assert page.text["failure-title"] == "Not available right now"
    await waiting.api.come()


async def test_a_pod_that_takes_no_connections_has_a_page() -> None:
    async with Stage(connect_timeout=timedelta(seconds=0.1)) as stage:
        await stage.add_game()
        await stage.add_session()
        for pod in stage.pods.values():
            await pod.stop()
        async with stage.get("/api/chess/", headers=BROWSER) as answer:
            assert answer.status == 502
            page = await page_of(answer)
        assert page.text["failure-title"] == "chess does not answer"


async def test_a_pod_that_says_nothing_has_a_page() -> None:
    async def hang(request: web.BaseRequest) -> web.StreamResponse:
        await asyncio.Event().wait()
        raise AssertionError("unreachable")

    async with Stage(response_timeout=timedelta(seconds=0.1)) as stage:
        await stage.add_game()
        await stage.add_session(pod=HttpPod(hang))
        async with stage.get("/api/chess/", headers=BROWSER) as answer:
            assert answer.status == 504
            page = await page_of(answer)
        assert "took too long" in page.text["failure-text"]


async def test_other_errors_are_plain_for_browsers_too(waiting: Stage) -> None:
    async with waiting.get("/api/none/", headers=BROWSER) as answer:
        assert (await answer.json())["error"]["code"] == "game_not_found"


def test_both_languages_say_the_same_things() -> None:
    def names(texts: Any, prefix: str = "") -> set[str]:
        if not isinstance(texts, dict):
            return {f"{prefix}={len(re.findall('{game}', str(texts)))}"}
        return {name for key, each in texts.items() for name in names(each, f"{prefix}.{key}")}

    assert names(texts_in("en")) == names(texts_in("zh"))
