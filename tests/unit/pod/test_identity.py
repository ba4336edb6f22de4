"""How a service inside a pod reads whom a request is for."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime

import pytest

from gamesession.api.identity import identity_headers
from gamesession.pod.identity import Identity, current, identity_of, read

CREATED = datetime(2026, 1, 31, 12, tzinfo=UTC)


@pytest.mark.parametrize("user", ["alice", "a_b", "zoë", "e\u0301", " a/b ", "100%", "🎲", "a,b"])
def test_it_reads_what_the_gateway_writes(user: str) -> None:
    headers = identity_headers(user, "chess", CREATED, "uid-1") | {"X-Request-Id": "r"}
    assert read(headers) == Identity(user, f"{user}_chess_1769860800", "chess", "uid-1", "r")


@pytest.mark.parametrize("name", ["X-Game-User", "X-Game-Session", "X-Game-Id", "X-Game-Pod"])
def test_one_that_misses_means_none(name: str) -> None:
    headers = identity_headers("alice", "chess", CREATED, "uid-1")
    assert read({**headers, name: ""}) is None
    del headers[name]
    assert read(headers) is None


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("X-Game-User", "%ff"),
        ("X-Game-User", "%c3%ab"),
        ("X-Game-User", "a b"),
        ("X-Game-User", "alice,eve"),
        ("X-Game-User", "bob"),
        ("X-Game-Session", "alice"),
        ("X-Game-Session", "bob_chess_1769860800"),
        ("X-Game-Session", "alice_chess_soon"),
        ("X-Game-Id", "draughts"),
    ],
)
def test_what_the_gateway_would_not_write_is_refused(name: str, value: str) -> None:
    headers = identity_headers("alice", "chess", CREATED, "uid-1") | {name: value}
    with pytest.raises(ValueError, match=r"."):
        read(headers)


def test_without_the_middleware_there_is_none() -> None:
    assert current() is None
    with pytest.raises(LookupError, match="is the middleware installed"):
        identity_of({"type": "http"})


def test_it_needs_the_standard_library_only() -> None:
    """A pod's image has not to hold what operator and gateway are made of."""
    code = (
        "import sys; before = set(sys.modules); import gamesession.pod;"
        "new = {name.partition('.')[0] for name in set(sys.modules) - before};"
        "print(sorted(new - set(sys.stdlib_module_names) - {'gamesession'}))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("[]\n", "")
