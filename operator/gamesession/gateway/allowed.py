"""The URLs that the gateway may send requests to beside pods and Services."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Self

from yarl import URL

from gamesession.api.errors import BadPath
from gamesession.gateway.paths import check_path

SCHEMES: Final = frozenset({"http", "https"})


@dataclass(frozen=True, slots=True)
class BaseUrl:
    """A URL that paths are put below.

    Attributes:
        scheme, host: lower-case.
        path: as it goes out, without a slash at its end; `""` for the root.
    """

    scheme: str
    host: str
    port: int
    path: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a URL of which two parsers would read the same.

        Raises:
            ValueError: it has a part that a base has not, or a path that servers may read
                differently.
        """
        url = URL(text)
        if url.scheme not in SCHEMES or not url.raw_host or not url.port:
            raise ValueError("it must begin with http:// or https:// and name a host")
        if "@" in text or "?" in text or "#" in text:
            raise ValueError("it must hold no user, query or fragment")
        try:
            check_path(text.partition("://")[2])
        except BadPath as error:
            raise ValueError(error.message) from error
        return cls(url.scheme, url.raw_host.lower(), url.port, url.raw_path.rstrip("/"))

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}{self.path}"

    def covers(self, other: BaseUrl) -> bool:
        """Whether another one is the same or lies below, by whole segments."""
        mine, its = (self.scheme, self.host, self.port), (other.scheme, other.host, other.port)
        return mine == its and f"{other.path}/".startswith(f"{self.path}/")


def base_urls(value: object) -> object:
    """Read base URLs, separated by commas; what is no text stays as it is.

    Raises:
        ValueError: one is none.
    """
    if not isinstance(value, str):
        return value
    found = []
    for text in filter(None, (part.strip() for part in value.split(","))):
        try:
            found.append(BaseUrl.parse(text))
        except ValueError as error:
            raise ValueError(f"{text} is no base URL: {error}") from error
    return tuple(found)
