"""Reading the identity headers."""

from __future__ import annotations

from urllib.parse import quote

import pytest
from fortune_game.identity import BadIdentity, Identity


@pytest.mark.parametrize(
    "user", ["alice", "a/b c", " alice ", "alice+1%41", "Jos\u00e9", "Jose\u0301", "\u4e2d\u6587"]
)
def test_a_name_is_read_as_it_was_before_it_was_encoded(user: str) -> None:
    headers = {"X-Game-User": quote(user, safe=""), "X-Game-Session": quote(f"{user}_g_1")}
    read = Identity.from_headers(headers)
    assert (read.user, read.session_id) == (user, f"{user}_g_1")


def test_two_normal_forms_of_a_name_are_two_users() -> None:
    composed, decomposed = (
        Identity.from_headers({"X-Game-User": quote(name)}).user
        for name in ("Jos\u00e9", "Jose\u0301")
    )
    assert composed != decomposed


@pytest.mark.parametrize(
    ("headers", "named"),
    [
        ({}, "X-Game-User: missing"),
        ({"X-Game-User": ""}, "X-Game-User: missing"),
        ({"X-Game-User": "%ff"}, "X-Game-User: not UTF-8"),
        ({"X-Game-User": "Jos\u00e9"}, "X-Game-User: not percent-encoded"),
        ({"X-Game-User": "alice", "X-Game-Session": "%c3"}, "X-Game-Session: not UTF-8"),
    ],
)
def test_a_bad_header_is_refused_by_name(headers: dict[str, str], named: str) -> None:
    with pytest.raises(BadIdentity, match=named):
        Identity.from_headers(headers)
