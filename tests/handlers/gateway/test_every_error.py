"""Each error code of the contract, met by a program and by a browser that navigates."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import aiohttp
import pytest
from yarl import URL

from gamesession.api.errors import GameSessionError
from gamesession.api.names import session_name
from gamesession.gateway.language import LANGUAGES, texts_in
from tests.handlers.gateway.pods import RawPod
from tests.handlers.gateway.stage import Stage, bearer, token

NAVIGATION = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8", "Sec-Fetch-Mode": "navigate"}


@dataclass
class Ask:
    """A GET that is refused.

    Attributes:
        settings: of the gateway.
        game: what the Game says besides.
        before: what happens first.
    """

    status: int
    path: str = "/api/chess/"
    headers: dict[str, str] = field(default_factory=dict)
    settings: dict[str, Any] = field(default_factory=dict)
    game: dict[str, Any] = field(default_factory=dict)
    before: Callable[[Stage], AbstractAsyncContextManager[None]] | None = None


@asynccontextmanager
async def another_users_session(stage: Stage) -> AsyncIterator[None]:
    name = session_name("chess", "alice")
    await stage.add_session(user="mallory", name=name)
    yield


@asynccontextmanager
async def nobody_starts_it(stage: Stage) -> AsyncIterator[None]:
    stage.pod_for = lambda session: None
    yield


@asynccontextmanager
async def it_failed_just_now(stage: Stage) -> AsyncIterator[None]:
    stage.pod_for = lambda session: None
    async with stage.post("/api/chess/session/open"):
        stage.fail(session_name("chess", "alice"), "Image <chess:1> does not exist.")
    yield


@asynccontextmanager
async def its_port_is_closed(stage: Stage) -> AsyncIterator[None]:
    await stage.add_session()
    for pod in stage.pods.values():
        await pod.stop()
    yield


@asynccontextmanager
async def its_pod_says_nothing(stage: Stage) -> AsyncIterator[None]:
    async def listen(reader: Any, writer: Any) -> None:
        await reader.read()

    await stage.add_session(pod=RawPod(listen))
    yield


@asynccontextmanager
async def the_api_server_is_away(stage: Stage) -> AsyncIterator[None]:
    await stage.api.go_away()
    yield


@asynccontextmanager
async def nobody_else_may_wait(stage: Stage) -> AsyncIterator[None]:
    stage.pod_for = lambda session: None
    with stage.service.holds.places.take("chess", "bob"):
        yield


COOKIE = f"session={token()}"
SHORT = {"hold": timedelta(seconds=0.2), "page_after": timedelta(seconds=0.2)}
REFUSALS: dict[str, Ask] = {
    "bad_request": Ask(400, headers={"Connection": "Upgrade", "Upgrade": "h2c"}),
    "bad_path": Ask(400, "/api/chess/../x"),
    "unauthorized": Ask(401, headers={"Authorization": "Bearer nonsense"}),
    "forbidden_origin": Ask(
        403,
        headers={"Authorization": "", "Cookie": COOKIE, "Sec-Fetch-Site": "cross-site"},
        settings={"auth_cookie": "session"},
    ),
    "not_found": Ask(404, "/api/chess/session/none"),
    "game_not_found": Ask(404, "/api/none/"),
    "method_not_allowed": Ask(405, "/api/chess/session/open"),
    "payload_too_large": Ask(413, headers={"Content-Length": "5"}, settings={"max_body_bytes": 4}),
    "capacity": Ask(429, settings={"max_held_per_game": 1}, before=nobody_else_may_wait),
    "headers_too_large": Ask(431, headers={"X-Long": "x" * 20_000}),
    "name_collision": Ask(500, before=another_users_session),
    "start_failed": Ask(502, before=it_failed_just_now),
    "upstream_unreachable": Ask(
        502, settings={"connect_timeout": timedelta(seconds=0.2)}, before=its_port_is_closed
    ),
    "session_starting": Ask(503, settings=SHORT, before=nobody_starts_it),
    "game_suspended": Ask(503, game={"suspend": True}),
    "unavailable": Ask(503, settings=SHORT, before=the_api_server_is_away),
    "upstream_timeout": Ask(
        504, settings={"response_timeout": timedelta(seconds=0.2)}, before=its_pod_says_nothing
    ),
}


# A link from another site opens the same page once more from ours.
PAGES = {
    "forbidden_origin",
    "session_starting",
    "start_failed",
    "capacity",
    "unavailable",
    "game_suspended",
    "upstream_unreachable",
    "upstream_timeout",
}
RETRIED = {"capacity", "session_starting"}


def codes(error: type[GameSessionError]) -> set[str]:
    """The codes of all errors of the tree below one."""
    return {error.code} | {code for each in error.__subclasses__() for code in codes(each)}


def test_none_is_left_out() -> None:
    """`internal` is a bug's: nobody can ask for it."""
    assert set(REFUSALS) == codes(GameSessionError) - {"internal"}


def test_pages_are_for_those_that_a_game_may_answer_with() -> None:
    """The others are mistakes of whoever asks: a program, or the page that a browser has open."""
    for language in LANGUAGES:
        assert {"forbidden_origin", "session_starting", *texts_in(language)["errors"]} == PAGES


@pytest.mark.parametrize("code", REFUSALS)
async def test_a_program_gets_json(code: str) -> None:
    ask = REFUSALS[code]
    async with refusal(ask, {"Accept": "application/json"}) as answer:
        assert answer.status == ask.status
        assert answer.content_type == "application/json"
        error = json.loads(await answer.read())["error"]
        assert (error["code"], error["request_id"]) == (code, answer.headers["X-Request-Id"])
        assert error["message"]
        assert ("Retry-After" in answer.headers) == (code in RETRIED)


@pytest.mark.parametrize("code", REFUSALS)
async def test_a_browser_that_navigates_gets_a_page_where_there_is_one(code: str) -> None:
    ask = REFUSALS[code]
    async with refusal(ask, NAVIGATION) as answer:
        assert answer.status == ask.status
        assert answer.headers["Cache-Control"] == "no-store"
        if code not in PAGES:
            assert answer.content_type == "application/json"
            return
        assert answer.content_type == "text/html"
        assert answer.headers["X-Request-Id"]
        page = await answer.text()
        assert page.startswith("<!doctype html>")
        assert "<chess:1>" not in page  # what a status says is no markup
        assert ("Retry-After" in answer.headers) == (code in RETRIED)


@asynccontextmanager
async def refusal(ask: Ask, headers: dict[str, str]) -> AsyncIterator[aiohttp.ClientResponse]:
    """What a gateway answers to it."""
    async with Stage(**ask.settings) as stage, AsyncExitStack() as stack:
        await stage.add_game(**ask.game)
        if ask.before is not None:
            await stack.enter_async_context(ask.before(stage))
        url = URL(str(stage.url) + ask.path, encoded=True)
        headers = {**bearer(), **headers, **ask.headers}
        headers = {name: value for name, value in headers.items() if value}
        async with stage.http.get(url, headers=headers, allow_redirects=False) as answer:
            yield answer
