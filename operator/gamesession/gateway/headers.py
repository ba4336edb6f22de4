"""Which headers go on, in either direction, and which are the gateway's to set."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from operator import itemgetter
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

_LONGEST_NAME: Final = 64
"""By so much of a name it is known whether it goes on: what does not is shorter, or begins so."""


def to_pod(
    headers: Iterable[tuple[str, str]], connection: str, *, authorization: bool
) -> CIMultiDict[str]:
    """The client's headers that go on to the pod.

    Args:
        connection: the values of the client's `Connection`.
        authorization: whether its `Authorization` goes on.
    """
    chosen = [pair for pair in headers if _goes_to_pod(pair[0][:_LONGEST_NAME], authorization)]
    return _without(_named(connection), chosen)


def to_client(headers: Mapping[str, str], connection: str) -> CIMultiDict[str]:
    """The pod's headers that go back to the client."""
    chosen = [pair for pair in headers.items() if _goes_to_client(pair[0][:_LONGEST_NAME])]
    return _without(_named(connection), chosen)


def _without(named: frozenset[str], headers: list[tuple[str, str]]) -> CIMultiDict[str]:
    """Headers but for those, their values as they can be written again."""
    if named:
        headers = [pair for pair in headers if pair[0].lower() not in named]
    if not "".join(map(itemgetter(1), headers)).isascii():
        headers = [(name, readable(value)) for name, value in headers]
    return CIMultiDict(headers)


# The same few names come with every request, so what is to be said of them is remembered.


@lru_cache(maxsize=1024)
def _goes_to_pod(name: str, authorization: bool) -> bool:
    lower = name.lower()
    if lower == "authorization":
        return authorization
    # Servers that hand headers on as environment (CGI, WSGI) cannot tell `_` from `-`.
    plain = lower.replace("_", "-")
    if plain == "content-length" != lower:
        return False  # a second length, which such a server may take for the body's
    return not plain.startswith(_OWN_PREFIXES) and plain not in _NOT_TO_POD


@lru_cache(maxsize=1024)
def _goes_to_client(name: str) -> bool:
    return name.lower() not in _NOT_TO_CLIENT


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
