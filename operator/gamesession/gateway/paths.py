"""What the path of a request may look like, and which parts it has.

Paths go on to the pod as they came. They are decoded only to choose a route by, and what two
servers might read differently (dot segments, encoded slashes, backslashes) is refused.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final, NamedTuple
from urllib.parse import unquote

from gamesession.api.errors import BadPath, NotFound

PREFIX: Final = "api"

REMEMBERED_LENGTH: Final = 256

# Printable ASCII without what RFC 3986 leaves to fragments: the rest must come percent-encoded.
_TARGET: Final = re.compile(r"[!-~]*")
_SUSPICIOUS: Final = re.compile(r"%|/\.|\\")
_BAD_ESCAPE: Final = re.compile(r"%(?![0-9A-Fa-f]{2})|%2[Ff]|%5[Cc]|%00")


class GamePath(NamedTuple):
    """`/api/{route}/…`, taken apart.

    Attributes:
        route: the `{route}`, decoded.
        below: the path below it, decoded, with its slash; `/` where there is none.
        raw_below: the same as it came, with the query.
        raw: the whole request target as it came.
        raw_prefix: `/api/{route}` as it came.
    """

    route: str
    below: str
    raw_below: str
    raw: str
    raw_prefix: str


def parse_target(target: str) -> GamePath:
    """Take a request target apart.

    Raises:
        BadPath: two servers might read it differently.
        NotFound: it is not below `/api/{route}`.
    """
    path, mark, query = target.partition("?")
    if "#" in query or not _TARGET.fullmatch(query):
        raise BadPath("The query must be percent-encoded where it is not ASCII.")
    found = _parse(path) if len(path) <= REMEMBERED_LENGTH else _parse.__wrapped__(path)
    if not mark:
        return found
    return found._replace(raw_below=f"{found.raw_below}?{query}", raw=target)


@lru_cache(maxsize=1024)
def _parse(path: str) -> GamePath:
    """A request target without a query. The same ones come again and again."""
    if not path.startswith("/") or "#" in path or not _TARGET.fullmatch(path):
        raise BadPath("The path must be absolute, and percent-encoded where it is not ASCII.")
    if _SUSPICIOUS.search(path):
        check_path(path)
    parts = path.split("/", 3)
    if len(parts) < 3 or unquote(parts[1]) != PREFIX or not parts[2]:
        raise NotFound(f"There is nothing here: games are below /{PREFIX}/.")
    raw_below = "/" + (parts[3] if len(parts) > 3 else "")
    escaped = "%" in path
    return GamePath(
        route=unquote(parts[2]) if escaped else parts[2],
        below=unquote(raw_below) if escaped else raw_below,
        raw_below=raw_below,
        raw=path,
        raw_prefix=f"/{parts[1]}/{parts[2]}",
    )


def check_path(path: str) -> None:
    """Refuse what two servers might read differently.

    Raises:
        BadPath: it holds dot segments, encoded slashes, backslashes or zeros.
    """
    if "\\" in path:
        raise BadPath("The path must not hold backslashes.")
    if _BAD_ESCAPE.search(path):
        raise BadPath(
            "The path must not hold encoded slashes, backslashes or zeros, "
            "nor % without two hexadecimal digits."
        )
    for segment in unquote(path).split("/"):
        # Some servers cut parameters off before they look at a segment: `..;x` is `..` to them.
        if segment.partition(";")[0] in (".", ".."):
            raise BadPath("The path must not hold dot segments.")


def lies_below(path: str, prefix: str) -> bool:
    """Whether a path is a prefix or lies below it, by whole segments."""
    return prefix == "/" or path == prefix or path.startswith(f"{prefix}/")
