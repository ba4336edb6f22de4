"""How a pod is told whom it serves."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from gamesession.api.identity import encoded, identity_headers


@pytest.mark.parametrize(
    ("user", "header"),
    [
        ("alice", "alice"),
        ("Alice", "Alice"),
        ("a b", "a%20b"),
        (" a ", "%20a%20"),
        ("a/b", "a%2Fb"),
        ("\u00e9", "%C3%A9"),
        ("e\u0301", "e%CC%81"),
        ("a@b.c", "a%40b.c"),
        ("100%", "100%25"),
    ],
)
def test_identity_is_percent_encoded_utf_8(user: str, header: str) -> None:
    assert encoded(user) == header


def test_a_pod_is_told_user_session_game_and_its_own_uid() -> None:
    created_at = datetime(2026, 1, 31, 12, 0, 0, 999_999, tzinfo=UTC)
    assert identity_headers("J\u00f6 S", "chess", created_at, "uid-1") == {
        "X-Game-User": "J%C3%B6%20S",
        "X-Game-Session": "J%C3%B6%20S_chess_1769860800",
        "X-Game-Id": "chess",
        "X-Game-Pod": "uid-1",
    }
