"""What a component asked of the API server."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from multidict import CIMultiDict
from yarl import URL

READS = ("get", "list", "watch")


@dataclass(frozen=True)
class Request:
    """One request.

    Attributes:
        at: when it came.
    """

    at: datetime
    method: str
    url: URL
    headers: CIMultiDict[str]
    body: bytes

    @property
    def verb(self) -> str:
        """What it does, by the word that Kubernetes has for it; `discover` for what is about kinds
        rather than objects."""
        if not self.resource:
            return "discover"
        if self.method != "GET":
            dry = "dry-run " if "dryRun" in self.url.query else ""
            return dry + {"POST": "create", "PUT": "update"}.get(self.method, self.method.lower())
        if self.url.query.get("watch") == "true":
            return "watch"
        return "get" if self.name else "list"

    @property
    def resource(self) -> str:
        """`pods`, `gamesessions/status`, …; `""` if it is about no objects."""
        parts = self._parts
        return "/".join([parts[0], *parts[2:]]) if parts else ""

    @property
    def name(self) -> str:
        """The name in its path, if it is about one object."""
        return self._parts[1] if len(self._parts) > 1 else ""

    @property
    def is_write(self) -> bool:
        """Whether it changes anything."""
        return self.method != "GET" and "dryRun" not in self.url.query

    @property
    def only_metadata(self) -> bool:
        """Whether it asks for metadata alone."""
        return "PartialObjectMetadata" in self.headers.get("Accept", "")

    @property
    def what(self) -> str:
        """Verb and resource, such as `create pods` or `list gamesessions (metadata)`."""
        text = f"{self.verb} {self.resource or self.url.path}"
        return f"{text} (metadata)" if self.only_metadata else text

    @property
    def json(self) -> Any:
        """Its body."""
        return json.loads(self.body or b"null")

    def is_about(self, name: str) -> bool:
        """Whether it is about an object of that name, or names it."""
        return name == self.name or f'"{name}"'.encode() in self.body

    @property
    def _parts(self) -> list[str]:
        """Resource, name and subresource, as far as it has them."""
        parts = self.url.path.strip("/").split("/")
        parts = parts[2:] if parts[0] == "api" else parts[3:]
        return parts[2:] if parts[:1] == ["namespaces"] and len(parts) > 2 else parts
