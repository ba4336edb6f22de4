"""Where a browser goes that has no token."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from urllib.parse import parse_qsl, urlsplit

import aiohttp
import pytest
from yarl import URL

from tests.handlers.gateway.stage import Stage, token
from tests.handlers.gateway.test_refusals import error_of

PATH = "/api/chess/board"
LOGIN = "https://www.example.com/login?lang=en&next={return}"
NAVIGATION = {"Accept": "text/html,*/*;q=0.8", "Host": "play.example.com"}


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    async with Stage(login_url=LOGIN, auth_cookie="auth") as found:
        await found.add_game()
        yield found


async def ask(
    stage: Stage, path: str = PATH, method: str = "GET", **headers: str
) -> aiohttp.ClientResponse:
    """A navigation, unless the headers say otherwise; `_` stands for `-`."""
    said = {name.replace("_", "-"): value for name, value in headers.items()}
    url = URL(f"{stage.url}{path}", encoded=True)
    answer = await stage.http.request(
        method, url, headers={**NAVIGATION, **said}, allow_redirects=False
    )
    async with answer:
        await answer.read()
        return answer


def way_back(answer: aiohttp.ClientResponse) -> str:
    """The address in a redirect to the login page."""
    assert answer.status == 303
    location = answer.headers["Location"]
    assert location.startswith("https://www.example.com/login?lang=en&next=")
    found = parse_qsl(urlsplit(location).query, strict_parsing=True)
    assert [name for name, _ in found] == ["lang", "next"]
    assert urlsplit(location).fragment == ""
    return found[1][1]


async def test_a_navigation_without_a_token_is_sent_to_the_login_page(stage: Stage) -> None:
    answer = await ask(stage)
    assert way_back(answer) == "http://play.example.com/api/chess/board"
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["X-Request-Id"]
    assert stage.api.writes == []


@pytest.mark.parametrize(
    "cookie", ["auth=nonsense", f"auth={token(exp=1)}", f"auth={token(aud='other')}"]
)
async def test_so_is_one_whose_token_does_not_count(stage: Stage, cookie: str) -> None:
    assert way_back(await ask(stage, Cookie=cookie))


@pytest.mark.parametrize("site", ["none", "cross-site", "same-origin"])
async def test_so_is_one_from_anywhere(stage: Stage, site: str) -> None:
    assert way_back(await ask(stage, Sec_Fetch_Site=site, Sec_Fetch_Mode="navigate"))


@pytest.mark.parametrize(
    "path",
    [
        "/api/chess",
        "/api/chess/a?b=c&d=%20+e",
        "/api/chess/?next=https://evil.example/&x=1",
        "/api/chess/%E6%A3%8B?q=a%26b",
        "/api/none/",  # which games there are is nobody's business
    ],
)
async def test_the_way_back_is_the_address_to_the_byte(stage: Stage, path: str) -> None:
    assert way_back(await ask(stage, path)) == f"http://play.example.com{path}"


@pytest.mark.parametrize(
    ("said", "scheme"),
    [
        ("https", "https"),
        ("HTTPS", "https"),
        ("https, http", "https"),
        ("http", "http"),
        ("javascript", "http"),
        ("", "http"),
    ],
)
async def test_the_way_back_is_over_tls_where_the_proxy_says_so(
    stage: Stage, said: str, scheme: str
) -> None:
    answer = await ask(stage, X_Forwarded_Proto=said)
    assert way_back(answer) == f"{scheme}://play.example.com{PATH}"


async def test_to_a_login_page_of_this_host_the_way_back_is_a_path() -> None:
    async with Stage(login_url="/login?next={return}") as stage:
        await stage.add_game()
        answer = await ask(stage, "/api/chess/?a=1&b=/x")
        assert answer.headers["Location"] == "/login?next=%2Fapi%2Fchess%2F%3Fa%3D1%26b%3D%2Fx"


# Attacks ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path",
    [
        "//evil.example/",
        "//evil.example/api/chess/",
        "/\\evil.example/",
        "/api/../..//evil.example",
        "/api/chess/..%2f..%2f",
        "/api/chess/%0d%0aSet-Cookie:%20a=1/../",
        "https://evil.example/api/chess/",
        "/",
        "/login",
    ],
)
async def test_nobody_is_sent_back_to_what_is_not_a_game(path: str) -> None:
    """`//evil.example` is a path to us, and another host to browsers."""
    async with Stage(login_url="/login?next={return}") as stage:
        await stage.add_game()
        host, port = "127.0.0.1", stage.service.port
        status, head = await raw(host, port, f"GET {path} HTTP/1.1\r\nHost: x\r\n")
        assert status in (400, 401)
        assert b"location" not in head.lower()


async def test_line_breaks_in_the_address_stay_encoded(stage: Stage) -> None:
    answer = await ask(stage, "/api/chess/a%0d%0aSet-Cookie:%20auth=evil?b=%0d%0a")
    assert way_back(answer).endswith("/a%0d%0aSet-Cookie:%20auth=evil?b=%0d%0a")
    assert "Set-Cookie" not in answer.headers


@pytest.mark.parametrize("host", ["evil.example/x", "evil.example?x", "a b", "a@b", "<x>"])
async def test_a_host_that_is_none_leads_nowhere(stage: Stage, host: str) -> None:
    answer = await ask(stage, Host=host)
    assert answer.status == 400
    assert "Location" not in answer.headers


# Others get an error ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "headers"),
    [
        ("POST", {}),
        ("OPTIONS", {}),
        ("DELETE", {}),
        ("GET", {"Accept": "application/json"}),
        ("GET", {"Accept": "*/*"}),
        ("GET", {"Sec_Fetch_Mode": "cors"}),
        ("GET", {"Sec_Fetch_Mode": "no-cors"}),
        ("GET", {"Sec_Fetch_Mode": "websocket"}),
        ("GET", {"Upgrade": "websocket", "Connection": "Upgrade"}),
    ],
)
async def test_what_is_no_navigation_gets_an_error(
    stage: Stage, method: str, headers: dict[str, str]
) -> None:
    said = {name.replace("_", "-"): value for name, value in headers.items()}
    async with stage.http.request(
        method, PATH, headers={**NAVIGATION, **said}, allow_redirects=False
    ) as answer:
        assert answer.status == 401
        assert (await error_of(answer))["code"] == "unauthorized"


async def test_without_a_login_page_a_navigation_gets_an_error() -> None:
    async with Stage() as stage:
        await stage.add_game()
        async with stage.http.get(PATH, headers=NAVIGATION) as answer:
            assert answer.status == 401
            assert (await error_of(answer))["code"] == "unauthorized"


async def test_who_has_a_token_is_let_in(stage: Stage) -> None:
    answer = await ask(stage, Cookie=f"auth={token()}", Sec_Fetch_Site="none")
    assert answer.status == 200


async def raw(host: str, port: int, head: str) -> tuple[int, bytes]:
    """A navigation as it is written; status and head of the answer."""
    reader, writer = await asyncio.open_connection(host, port)
    writer.write(f"{head}Accept: text/html\r\nConnection: close\r\n\r\n".encode())
    answer = await reader.read()
    writer.close()
    found = answer.partition(b"\r\n\r\n")[0]
    return int(found.split(b" ")[1]), found
