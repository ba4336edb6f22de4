"""Origins: which pages of a browser may use the gateway (RFC 6454, Fetch 3.2)."""

from __future__ import annotations

import re
from typing import Annotated, Final

from pydantic import BeforeValidator
from pydantic_settings import NoDecode

ANY: Final = "*"

_DEFAULT_PORTS: Final = {"http": "80", "https": "443"}
# Other schemes than these two are those of apps and extensions. Browsers write origins in lower
# case, names in Punycode.
_ORIGIN: Final = re.compile(
    r"(?P<scheme>[a-z][a-z0-9+.-]*)://(?P<host>[a-z0-9._-]+|\[[0-9a-f:.]+\])(?::(?P<port>[0-9]+))?"
)


def is_own(origin: str, host: str) -> bool:
    """Whether an origin is the one that a request was sent to.

    The scheme is not looked at: TLS may end in front of us.

    Args:
        host: the request's `Host`.
    """
    match = _ORIGIN.fullmatch(origin)
    if match is None or not host:
        return False
    default = _DEFAULT_PORTS.get(match["scheme"])
    if default is None:
        return False
    name, port = _split(host.lower())
    return name == match["host"] and (port or default) == (match["port"] or default)


def origin_of(url: str) -> str:
    """The origin of a URL, as a browser's `Referer` says it; empty if it has none."""
    match = _ORIGIN.match(url)
    return match[0] if match and url[match.end() :].startswith("/") else ""


def _split(host: str) -> tuple[str, str]:
    name, colon, port = host.rpartition(":")
    return (name, port) if colon and port.isdigit() else (host, "")


def _origins(value: object) -> object:
    """The origins in a setting, separated by commas."""
    if isinstance(value, str):
        value = [each.strip() for each in value.split(",") if each.strip()]
    if not isinstance(value, (list, tuple, set, frozenset)):
        return value
    for origin in value:
        _check(str(origin))
    return frozenset(value)


def _check(origin: str) -> None:
    if origin == ANY:
        return
    match = _ORIGIN.fullmatch(origin)
    if match is None:
        raise ValueError(
            f"{origin!r} is no origin: write it as browsers do, such as https://play.example.com, "
            "in lower case, without a path or a slash at its end; there are no patterns"
        )
    if match["port"] and match["port"] == _DEFAULT_PORTS.get(match["scheme"]):
        raise ValueError(f"{origin!r}: browsers leave out the port {match['port']}; so must this")


Origins = Annotated[frozenset[str], NoDecode, BeforeValidator(_origins)]
"""Exact origins, or `*` for all."""
