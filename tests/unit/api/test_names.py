"""Names that are derived, and session ids."""

from __future__ import annotations

import base64
import hashlib
import re
from datetime import UTC, datetime

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from gamesession.api.names import (
    MAX_SESSION_NAME,
    SessionId,
    attempt_of,
    pod_name,
    session_name,
)

users = st.text(min_size=1, max_size=253).filter(lambda user: user.isprintable())
games = st.from_regex(r"[a-z0-9]([-a-z0-9]{0,38}[a-z0-9])?", fullmatch=True)


def test_the_name_of_a_session_is_the_one_of_the_contract() -> None:
    digest = base64.b32encode(hashlib.sha256("fortune\0älice".encode()).digest()).decode()

    assert session_name("fortune", "älice") == f"fortune-{digest.lower()[:16]}"


def test_the_name_of_a_session_never_changes() -> None:
    # Objects in clusters bear these names: another answer here is another name there. It is what
    # `printf 'fortune\0alice' | openssl dgst -sha256 -binary | base32` begins with.
    assert session_name("fortune", "alice") == "fortune-bcwmgizq4e5foqre"


@given(games, users)
def test_the_name_of_a_session_is_a_valid_label(game: str, user: str) -> None:
    name = session_name(game, user)

    assert len(name) <= MAX_SESSION_NAME
    assert re.fullmatch(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?", name)


@given(st.tuples(games, users), st.tuples(games, users))
def test_different_users_or_games_have_sessions_of_different_names(
    one: tuple[str, str], other: tuple[str, str]
) -> None:
    assume(one != other)

    assert session_name(*one) != session_name(*other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (("fortune", "alice"), ("fortune", "Alice")),
        (("fortune", "alice"), ("fortune", "alice ")),
        (("fortune", "\u00e9"), ("fortune", "e\u0301")),
        (("fortune", "a/b"), ("fortune", "a%2Fb")),
        (("a", "b-c"), ("a-b", "c")),
    ],
)
def test_users_that_look_alike_have_sessions_of_different_names(
    one: tuple[str, str], other: tuple[str, str]
) -> None:
    assert session_name(*one) != session_name(*other)


def test_half_a_character_is_no_user() -> None:
    with pytest.raises(ValueError, match="surrogates not allowed"):
        session_name("fortune", "\ud800")


@pytest.mark.parametrize("attempt", [1, 2, 10, 1234])
def test_the_name_of_a_pod_tells_its_attempt(attempt: int) -> None:
    name = pod_name("fortune-abc", "0a1b2c3d-0000", attempt)

    assert name == f"fortune-abc-0a1b2-{attempt}"
    assert attempt_of(name) == attempt


@pytest.mark.parametrize(
    "name", ["fortune", "fortune-abc", "fortune-", "fortune-٣", "", "fortune-" + "9" * 5000]
)
def test_a_name_without_a_number_is_no_attempt(name: str) -> None:
    assert attempt_of(name) == 0


@given(users, games, st.integers(0, 2**40))
def test_a_session_id_is_read_from_the_right(user: str, game: str, created: int) -> None:
    session_id = SessionId(user, game, created)

    assert SessionId.parse(str(session_id)) == session_id


def test_a_session_id_counts_whole_seconds() -> None:
    created_at = datetime(2026, 1, 31, 12, 0, 0, 999999, tzinfo=UTC)

    assert str(SessionId.of("a_b", "fortune", created_at)) == "a_b_fortune_1769860800"


@pytest.mark.parametrize(
    "text",
    ["", "_", "__", "alice", "alice_1", "_fortune_1", "alice__1", "a_g_", "a_g_-1", "a_g_1.5"],
)
def test_what_is_no_session_id_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not <user>_<game>_<unix seconds>"):
        SessionId.parse(text)


@pytest.mark.parametrize("created", ["٣", "1 ", "9" * 5000], ids=["arabic", "space", "endless"])
def test_a_session_id_ends_with_a_number_as_computers_write_it(created: str) -> None:
    with pytest.raises(ValueError):
        SessionId.parse(f"alice_fortune_{created}")
