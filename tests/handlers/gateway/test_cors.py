"""Pages of other origins: what a browser is told they may do."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiohttp import web
from yarl import URL

from gamesession.gateway.cors import EXPOSED
from tests.handlers.gateway.pods import HttpPod
from tests.handlers.gateway.stage import Stage, bearer, token
from tests.handlers.gateway.test_refusals import error_of

PAGE, OTHER = "https://www.example.com", "https://evil.example"
PATH = "/api/chess/moves"


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    """A gateway that pages of one origin may use."""
    async with Stage(allowed_origins=f"{PAGE},http://localhost:5173") as found:
        await found.add_game()
        yield found


def asking(origin: str = PAGE, method: str = "POST", names: str = "authorization") -> Any:
    return {
        "Origin": origin,
        "Access-Control-Request-Method": method,
        "Access-Control-Request-Headers": names,
    }


def permissions(headers: Any) -> dict[str, str]:
    """All that an answer says of CORS."""
    return {k.lower(): v for k, v in headers.items() if k.lower().startswith("access-control-")}


# Preflights ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("origin", [PAGE, "http://localhost:5173"])
@pytest.mark.parametrize("path", [PATH, "/api/chess/session/open", "/api/none/", "/"])
async def test_a_preflight_is_answered_before_anybody_is_known(
    stage: Stage, origin: str, path: str
) -> None:
    async with stage.http.options(path, headers=asking(origin)) as answer:
        assert answer.status == 204
        assert permissions(answer.headers) == {
            "access-control-allow-origin": origin,
            "access-control-allow-methods": "POST",
            "access-control-allow-headers": "authorization",
            "access-control-max-age": "600",
            "access-control-expose-headers": EXPOSED,
        }
        assert set(answer.headers.getall("Vary")) == {
            "Origin",
            "Access-Control-Request-Method",
            "Access-Control-Request-Headers",
        }
        assert answer.headers["X-Request-Id"]
        assert await answer.read() == b""
    assert stage.api.writes == []


@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE", "PROPFIND"])
async def test_which_methods_a_game_knows_is_its_own_matter(stage: Stage, method: str) -> None:
    async with stage.http.options(PATH, headers=asking(method=method)) as answer:
        assert answer.headers["Access-Control-Allow-Methods"] == method


async def test_a_preflight_does_not_reach_the_pod(stage: Stage) -> None:
    pod = HttpPod()
    await stage.add_session(pod=pod)
    async with stage.http.options(PATH, headers={**asking(), **bearer()}) as answer:
        assert answer.status == 204
    assert pod.requests == []


async def test_options_that_is_no_preflight_is_a_request_like_any_other(stage: Stage) -> None:
    pod = HttpPod()
    await stage.add_session(pod=pod)
    async with stage.http.options(PATH, headers={"Origin": PAGE}) as answer:
        assert answer.status == 401
    async with stage.http.options(PATH, headers={"Origin": PAGE, **bearer()}) as answer:
        assert answer.status == 200
    assert [request.method for request in pod.requests] == ["OPTIONS"]


@pytest.mark.parametrize(
    "origin",
    [
        OTHER,
        "null",
        "",
        "*",
        "https://www.example.com.evil.example",
        "https://evilwww.example.com",
        "https://evil.example#https://www.example.com",
        "https://www.example.com@evil.example",
        "https://www.example.com:8443",
        "https://www.example.com/",
        "http://www.example.com",
        "https://WWW.example.com",
        "https://sub.www.example.com",
        "https://wwwXexample.com",
        "https://www.example.com, https://evil.example",
        "https://evil.example https://www.example.com",
    ],
)
async def test_pages_of_other_origins_get_no_permission(stage: Stage, origin: str) -> None:
    async with stage.http.options(PATH, headers=asking(origin)) as answer:
        assert answer.status == 403
        assert (await error_of(answer))["code"] == "forbidden_origin"
        assert permissions(answer.headers) == {}
        assert answer.headers["Vary"] == "Origin"
    async with stage.get("/api/chess/session/status", headers={"Origin": origin}) as answer:
        assert answer.status == 200  # with a token of its own; but no page can read it
        assert permissions(answer.headers) == {}
    assert stage.api.writes == []


@pytest.mark.parametrize("names", ["x-a, x-b", "X-A,X-B", "a\tb", "x-a, evil: 1", "é", "x,", ""])
async def test_only_names_of_headers_are_said_back(stage: Stage, names: str) -> None:
    async with stage.http.options(PATH, headers=asking(names=names)) as answer:
        assert answer.status == 204
        allowed = answer.headers.get("Access-Control-Allow-Headers")
        assert allowed == (names if names in ("x-a, x-b", "X-A,X-B") else None)


@pytest.mark.parametrize("method", ["G T", "GET, POST", "GE(", ""])
async def test_only_a_name_of_a_method_is_said_back(stage: Stage, method: str) -> None:
    async with stage.http.options(PATH, headers=asking(method=method)) as answer:
        assert "Access-Control-Allow-Methods" not in answer.headers


async def test_by_default_no_page_of_another_origin_may_do_anything() -> None:
    async with Stage() as stage:
        await stage.add_game()
        async with stage.http.options(PATH, headers=asking()) as answer:
            assert answer.status == 403
            assert (await error_of(answer))["code"] == "forbidden_origin"
            assert "Vary" not in answer.headers
        async with stage.get(PATH, headers={"Origin": PAGE}) as answer:
            assert answer.status == 200
            assert permissions(answer.headers) == {}


# Answers ------------------------------------------------------------------------------------------


ALLOWED = {
    "access-control-allow-origin": PAGE,
    "access-control-expose-headers": EXPOSED,
}


async def test_a_page_may_read_the_pods_answer_and_our_headers(stage: Stage) -> None:
    async with stage.get(PATH, headers={"Origin": PAGE}) as answer:
        assert answer.status == 200
        assert permissions(answer.headers) == ALLOWED
        assert answer.headers["Vary"] == "Origin"
    for name in ("X-Game-Session", "X-Game-Start", "X-Request-Id"):
        assert name in EXPOSED


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/api/chess/session/status", 200),
        ("/api/none/", 404),
        ("/api/chess/../x", 400),
        ("/api/chess/session/open", 405),
    ],
)
async def test_a_page_may_read_the_gateways_own_answers(
    stage: Stage, path: str, status: int
) -> None:
    async with stage.get(path, headers={"Origin": PAGE}) as answer:
        assert answer.status == status
        assert permissions(answer.headers) == ALLOWED


async def test_a_page_may_read_that_it_has_no_token(stage: Stage) -> None:
    async with stage.http.get(PATH, headers={"Origin": PAGE}) as answer:
        assert answer.status == 401
        assert permissions(answer.headers) == ALLOWED
    assert stage.api.writes == []


async def test_a_page_may_read_events(stage: Stage) -> None:
    await stage.add_session()
    headers = {"Origin": PAGE, "Accept": "text/event-stream"}
    url = URL(f"{stage.url}/api/chess/session/events?access_token={token()}")
    async with stage.http.get(url, headers=headers) as answer:
        assert answer.status == 200
        assert permissions(answer.headers) == ALLOWED


async def test_a_cache_keeps_answers_to_different_origins_apart(stage: Stage) -> None:
    async with stage.get(PATH) as answer:
        assert permissions(answer.headers) == {}
        assert answer.headers["Vary"] == "Origin"


def pod_saying(**headers: str) -> HttpPod:
    async def handler(request: web.BaseRequest) -> web.StreamResponse:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return web.Response(text="x", headers=named)

    return HttpPod(handler)


GENEROUS = {
    "Access_Control_Allow_Origin": "*",
    "Access_Control_Allow_Credentials": "true",
    "Access_Control_Allow_Methods": "*",
    "Access_Control_Allow_Headers": "*",
    "Access_Control_Allow_Private_Network": "true",
    "Access_Control_Max_Age": "86400",
    "Access_Control_Expose_Headers": "X-Score",
}


async def test_what_a_pod_permits_does_not_count_but_what_it_shows_of_itself(stage: Stage) -> None:
    await stage.add_session(pod=pod_saying(**GENEROUS, Vary="Accept-Encoding"))
    for origin, expected in (
        (PAGE, {**ALLOWED, "access-control-expose-headers": f"{EXPOSED}, X-Score"}),
        (OTHER, {}),
        (None, {}),
    ):
        async with stage.get(PATH, headers={"Origin": origin} if origin else {}) as answer:
            assert permissions(answer.headers) == expected
            assert answer.headers.getall("Vary") == ["Accept-Encoding", "Origin"]


async def test_a_pod_permits_nothing_where_nothing_is_configured() -> None:
    async with Stage() as stage:
        await stage.add_game()
        await stage.add_session(pod=pod_saying(**GENEROUS))
        async with stage.get(PATH, headers={"Origin": OTHER}) as answer:
            assert permissions(answer.headers) == {}


async def test_any_page_may_where_any_is_configured_but_without_cookies() -> None:
    async with Stage(allowed_origins="*") as stage:
        await stage.add_game()
        async with stage.http.options(PATH, headers=asking("null")) as answer:
            assert answer.status == 204
            assert answer.headers["Access-Control-Allow-Origin"] == "*"
        async with stage.get(PATH, headers={"Origin": OTHER}) as answer:
            assert permissions(answer.headers) == {**ALLOWED, "access-control-allow-origin": "*"}
            assert "Vary" not in answer.headers


async def test_with_a_cookie_browsers_may_send_it_along() -> None:
    async with Stage(allowed_origins=PAGE, auth_cookie="auth") as stage:
        await stage.add_game()
        credentials = {"access-control-allow-credentials": "true"}
        async with stage.http.options(PATH, headers=asking()) as answer:
            assert permissions(answer.headers).items() >= credentials.items()
        headers = {"Origin": PAGE, "Sec-Fetch-Site": "same-site", "Cookie": f"auth={token()}"}
        async with stage.http.post(PATH, headers=headers) as answer:
            assert answer.status == 200
            assert permissions(answer.headers) == {**ALLOWED, **credentials}
        async with stage.http.post(PATH, headers={**headers, "Origin": OTHER}) as answer:
            assert answer.status == 403
            assert permissions(answer.headers) == {}


async def test_no_pod_takes_over_the_pages_of_other_games(stage: Stage) -> None:
    await stage.add_session(pod=pod_saying(Service_Worker_Allowed="/"))
    async with stage.get(PATH) as answer:
        assert answer.status == 200
        assert "Service-Worker-Allowed" not in answer.headers
