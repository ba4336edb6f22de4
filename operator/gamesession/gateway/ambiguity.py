"""What two servers might read differently in the head of a request. It is refused, and never goes
on: the next server's reading of it would be another request than the one that was let through."""

from __future__ import annotations

import re
from typing import Final

from aiohttp import HttpVersion11, hdrs, web

from gamesession.api.errors import BadPath, BadRequest

# `uri-host [ ":" port ]` (RFC 9110, 7.2; RFC 3986, 3.2.2).
_HOST: Final = re.compile(r"([A-Za-z0-9._~%!$&'()*+,;=-]*|\[[0-9A-Fa-f:.]+\])(:[0-9]*)?")


def check_head(request: web.BaseRequest) -> None:
    """Refuse what the parser lets through and others may read differently.

    Raises:
        BadRequest: of its length or its host there is more than one reading.
    """
    headers = request.headers
    if hdrs.TRANSFER_ENCODING in headers:
        codings = [value.lower() for value in headers.getall(hdrs.TRANSFER_ENCODING)]
        # In HTTP/1.0 it is no header of the framing to all who read it (RFC 9112, 6.1).
        if codings != ["chunked"] or request.version < HttpVersion11:
            raise BadRequest("Of all Transfer-Encodings only HTTP/1.1's `chunked` is read.")
    if not _HOST.fullmatch(headers.get(hdrs.HOST, "")):
        raise BadRequest("The Host of the request is none.")


def target_of(request: web.BaseRequest) -> str:
    """The request target in origin-form; absolute-form counts if it names the Host that the header
    names (RFC 9112, 3.2.2).

    Raises:
        BadPath: it is for another host.
    """
    target = request.raw_path
    if target.startswith("/"):
        return target
    scheme, _, rest = target.partition("://")
    authority, slash, path = rest.partition("/")
    named = request.headers.get(hdrs.HOST, "")
    if scheme.lower() not in ("http", "https") or not named or not slash:
        raise BadPath("The path must be absolute.")
    if authority.lower() != named.lower():
        raise BadPath("The request is for another host than its Host header names.")
    return slash + path
