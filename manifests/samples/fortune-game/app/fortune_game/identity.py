"""Who a request is for, as the gateway says it in the identity headers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import unquote


class BadIdentity(ValueError):
    """An identity header is missing or malformed; the message names it."""


@dataclass(frozen=True)
class Identity:
    """The user, session, game and pod that a request was sent to."""

    user: str
    session_id: str | None
    game: str | None
    pod: str | None

    @classmethod
    def from_headers(cls, headers: Mapping[str, str]) -> Identity:
        """Read what the gateway set; the user's name and the session id are percent-encoded UTF-8.

        Raises:
            BadIdentity: no user is named, or a header is not percent-encoded UTF-8.
        """
        user = _decoded(headers, "X-Game-User")
        if not user:
            raise BadIdentity("X-Game-User: missing; this service is reached through the gateway")
        return cls(
            user=user,
            session_id=_decoded(headers, "X-Game-Session"),
            game=headers.get("X-Game-Id"),
            pod=headers.get("X-Game-Pod"),
        )


def _decoded(headers: Mapping[str, str], name: str) -> str | None:
    value = headers.get(name)
    if value is None:
        return None
    if not value.isascii():
        raise BadIdentity(f"{name}: not percent-encoded")
    try:
        return unquote(value, errors="strict")
    except UnicodeDecodeError:
        raise BadIdentity(f"{name}: not UTF-8") from None
