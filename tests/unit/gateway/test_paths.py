"""Which request targets are refused, and how the others are taken apart."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gamesession.api.errors import BadPath, NotFound
from gamesession.gateway.paths import GamePath, lies_below, parse_target


@pytest.mark.parametrize(
    ("target", "route", "below", "raw_below"),
    [
        ("/api/chess", "chess", "/", "/"),
        ("/api/chess/", "chess", "/", "/"),
        ("/api/chess?a=b", "chess", "/", "/?a=b"),
        ("/api/chess/a/b", "chess", "/a/b", "/a/b"),
        ("/api/chess/a%20b?q=%2F..%2F", "chess", "/a b", "/a%20b?q=%2F..%2F"),
        ("/api/ch%65ss/s%65ssion", "chess", "/session", "/s%65ssion"),
        ("/api/chess//double", "chess", "//double", "//double"),
        ("/api/chess/...", "chess", "/...", "/..."),
        ("/api/chess/.hidden", "chess", "/.hidden", "/.hidden"),
        ("/api/chess/a?b?c", "chess", "/a", "/a?b?c"),
        ("/api/chess/%C3%A9", "chess", "/é", "/%C3%A9"),
        ("/api/chess/%252e%252e", "chess", "/%2e%2e", "/%252e%252e"),
    ],
)
def test_a_path_is_decoded_to_route_by_and_kept_as_it_came(
    target: str, route: str, below: str, raw_below: str
) -> None:
    path = parse_target(target)
    assert (path.route, path.below, path.raw_below) == (route, below, raw_below)
    assert path.raw == target


@pytest.mark.parametrize(
    "target",
    [
        "/api/chess/..",
        "/api/chess/../x",
        "/api/chess/./x",
        "/api/chess/%2e%2e/x",
        "/api/chess/.%2E",
        "/api/chess/..;v=1/x",
        "/api/../chess",
        "/./api/chess",
        "/api/chess/a%2Fb",
        "/api/chess/a%2fb",
        "/api/chess/a\\b",
        "/api/chess/a%5Cb",
        "/api/chess/a%5cb",
        "/api/chess/a%00",
        "/api/chess/100%",
        "/api/chess/%zz",
        "/api/chess/é",
        "/api/chess/a b",
        "/api/chess/a#b",
        "/api/chess/a?q=é",
        "http://elsewhere/api/chess/",
        "*",
        "",
        "elsewhere:443",
    ],
)
def test_what_two_servers_might_read_differently_is_refused(target: str) -> None:
    with pytest.raises(BadPath):
        parse_target(target)


@pytest.mark.parametrize("target", ["/", "/api", "/api/", "/api//x", "/other/chess", "/apis/x"])
def test_what_is_not_below_a_route_is_not_found(target: str) -> None:
    with pytest.raises(NotFound):
        parse_target(target)


def test_the_prefix_is_what_the_client_wrote() -> None:
    assert parse_target("/api/ch%65ss/x").raw_prefix == "/api/ch%65ss"


@given(st.text(alphabet="/.%2eEfFcC5\\;?a", max_size=30))
def test_no_accepted_path_has_a_dot_segment_however_often_it_is_written_differently(
    tail: str,
) -> None:
    try:
        path: GamePath = parse_target(f"/api/chess/{tail}")
    except (BadPath, NotFound):
        return
    assert not {".", ".."} & set(path.below.split("/"))
    assert "\\" not in path.below
    assert path.below.count("/") == path.raw_below.partition("?")[0].count("/")


@pytest.mark.parametrize(
    ("path", "prefix", "expected"),
    [
        ("/fortune", "/fortune", True),
        ("/fortune/", "/fortune", True),
        ("/fortune/chat", "/fortune", True),
        ("/fortunes", "/fortune", False),
        ("/", "/fortune", False),
        ("/anything", "/", True),
        ("/", "/", True),
    ],
)
def test_prefixes_match_by_whole_segments(path: str, prefix: str, expected: bool) -> None:
    assert lies_below(path, prefix) is expected


@pytest.mark.parametrize("below", ["/a", "/" + "a" * 1000])
def test_what_is_remembered_of_a_path_holds_for_every_query(below: str) -> None:
    plain, asked, empty = (
        parse_target(f"/api/chess{below}{query}") for query in ("", "?to=/api/x", "?")
    )
    assert {each.below for each in (plain, asked, empty)} == {below}
    assert [each.raw_below for each in (plain, asked, empty)] == [
        below,
        f"{below}?to=/api/x",
        f"{below}?",
    ]
    assert asked.raw == f"/api/chess{below}?to=/api/x"
    assert plain.raw == f"/api/chess{below}"


@pytest.mark.parametrize("query", ["?a#b", "?ä", "?a b"])
def test_a_query_is_looked_at_although_its_path_is_known(query: str) -> None:
    parse_target("/api/chess/known")
    with pytest.raises(BadPath):
        parse_target(f"/api/chess/known{query}")
