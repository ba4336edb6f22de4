"""Where a request carries its token. It is taken off there: no pod, page or log shall see it.

`Authorization: Bearer` counts first, then the cookie, then, of WebSockets and event streams, which
browsers let say nothing in headers, `access_token` in the query.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final
from urllib.parse import unquote, unquote_plus

from aiohttp import hdrs
from aiohttp.http_parser import RawRequestMessage
from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

from gamesession.gateway.cookie import AuthCookie

PARAMETER: Final = "access_token"
EVENT_STREAM: Final = "text/event-stream"


@dataclass(slots=True)
class Credential:
    """A token as it came; nobody has looked at it yet.

    Attributes:
        by_cookie: whether the browser sent it by itself, whatever page made it do so.
    """

    token: str = field(repr=False)
    by_cookie: bool = False


def take(
    message: RawRequestMessage, cookie: AuthCookie | None
) -> tuple[RawRequestMessage, Credential | None]:
    """The head of a request without cookie and `access_token`, and the token that counts."""
    found = _bearer(message.headers.get(hdrs.AUTHORIZATION))
    if cookie is not None and hdrs.COOKIE in message.headers:
        token = cookie.token_in(message.headers.getall(hdrs.COOKIE))
        if found is None and token:
            found = Credential(token, by_cookie=True)
        message = _without_cookie(message, cookie)
    if "?" in message.path and _may_hold_token(message.path) and _is_stream(message):
        path, token = without_token(message.path)
        if found is None and token:
            found = Credential(token)
        if path != message.path:
            message = message._replace(path=path, url=_url(path))
    return message, found


def _bearer(authorization: str | None) -> Credential | None:
    if not authorization:
        return None
    scheme, _, token = authorization.partition(" ")
    return Credential(token.strip()) if scheme.lower() == "bearer" else None


def without_token(target: str) -> tuple[str, str | None]:
    """A request target without `access_token`, otherwise byte for byte, and its first value."""
    path, mark, query = target.partition("?")
    kept: list[str] = []
    token: str | None = None
    for part in query.split("&"):
        name, _, value = part.partition("=")
        # Spelled however: what serves the pod decodes names before it compares them.
        if unquote_plus(name) != PARAMETER:
            kept.append(part)
        elif token is None:
            token = unquote(value)
    return (f"{path}{mark}{'&'.join(kept)}" if kept else path), token


def _may_hold_token(target: str) -> bool:
    """Whether the query is worth a closer look."""
    return PARAMETER in target or "%" in target


def _without_cookie(message: RawRequestMessage, cookie: AuthCookie) -> RawRequestMessage:
    headers: CIMultiDict[str] = CIMultiDict()
    for name, value in message.headers.items():
        if name.lower() != "cookie":
            headers.add(name, value)
        elif left := cookie.without(value):
            headers.add(name, left)
    raw = tuple((n.encode(), v.encode(errors="surrogateescape")) for n, v in headers.items())
    return message._replace(headers=CIMultiDictProxy(headers), raw_headers=raw)


def _is_stream(message: RawRequestMessage) -> bool:
    """Whether a browser cannot send it with an `Authorization`."""
    headers = message.headers
    if message.upgrade and headers.get(hdrs.UPGRADE, "").strip().lower() == "websocket":
        return True
    accepted = ",".join(headers.getall(hdrs.ACCEPT, ())).lower().split(",")
    return any(each.partition(";")[0].strip() == EVENT_STREAM for each in accepted)


def _url(target: str) -> URL:
    path, _, query = target.partition("?")
    return URL.build(path=path, query_string=query, encoded=True)
