"""Which headers go on, in either direction, and which are the gateway's to set."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from multidict import CIMultiDict

# RFC 9110, 7.6.1, and the ones that are older than it.
HOP_BY_HOP: Final = frozenset(
    {
        "connection",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)

# Besides: the gateway answers Expect itself, and says Forwarded as X-Forwarded-*.
_NOT_TO_POD: Final = HOP_BY_HOP | {"expect", "forwarded", "x-request-id"}
_NOT_TO_CLIENT: Final = HOP_BY_HOP | {
    "x-game-session",
    "x-game-start",
    "x-request-id",
    # All games share one origin, for which none of them speaks: not to take over the pages of the
    # others, nor to send their requests elsewhere (RFC 7838) or have them reported (NEL), nor to
    # say who else may read their answers (`cors.py` does).
    "service-worker-allowed",
    "alt-svc",
    "nel",
    "access-control-allow-origin",
    "access-control-allow-credentials",
    "access-control-allow-headers",
    "access-control-allow-methods",
    "access-control-allow-private-network",
    "access-control-max-age",
}

START: Final = "X-Game-Start"

_OWN_PREFIXES: Final = ("x-game-", "x-forwarded")


def to_pod(
    headers: Iterable[tuple[str, str]], connection: str, *, authorization: bool
) -> CIMultiDict[str]:
    """The client's headers that go on to the pod.

    Args:
        connection: the values of the client's `Connection`.
        authorization: whether its `Authorization` goes on.
    """
    named = _named(connection)
    found: CIMultiDict[str] = CIMultiDict()
    for name, value in headers:
        lower = name.lower()
        if lower in _NOT_TO_POD or lower in named:
            continue
        if lower == "authorization" and not authorization:
            continue
        # Servers that hand headers on as environment (CGI, WSGI) cannot tell `_` from `-`.
        plain = lower.replace("_", "-")
        if plain.startswith(_OWN_PREFIXES) or plain in _NOT_TO_POD:
            continue
        if plain == "content-length" != lower:
            continue  # a second length, which such a server may take for the body's
        found.add(name, readable(value))
    return found


def to_client(headers: Mapping[str, str], connection: str) -> CIMultiDict[str]:
    """The pod's headers that go back to the client."""
    named = _named(connection)
    found: CIMultiDict[str] = CIMultiDict()
    for name, value in headers.items():
        lower = name.lower()
        if lower not in _NOT_TO_CLIENT and lower not in named:
            found.add(name, readable(value))
    return found


def readable(value: str) -> str:
    """A header's value as text that can be written again.

    aiohttp reads bytes that are no UTF-8 as lone surrogates, and drops those when it writes. What
    is no UTF-8 is Latin-1, as HTTP had it once (RFC 9110, 5.5).
    """
    if value.isascii():
        return value
    raw = value.encode("utf-8", "surrogateescape")
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw.decode("latin-1")


def _named(connection: str) -> frozenset[str]:
    """The header names that a `Connection` lists, lower-case."""
    if not connection or connection in ("keep-alive", "close"):
        return frozenset()
    return frozenset(name.strip().lower() for name in connection.split(","))
