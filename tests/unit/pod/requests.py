"""Requests as the gateway sends them to pods."""

from __future__ import annotations

from datetime import UTC, datetime

from gamesession.api.identity import identity_headers

POD = "uid-1"


def headers_for(user: str = "alice", *, pod: str = POD, second: int = 0) -> dict[str, str]:
    """The identity headers of a request.

    Args:
        second: when the session was created, after noon.
    """
    created = datetime(2026, 1, 31, 12, 0, second, tzinfo=UTC)
    return identity_headers(user, "chess", created, pod) | {"X-Request-Id": "r-1"}
