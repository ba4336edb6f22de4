"""`spec.fallback` of a Game: who answers when no session can be had."""

from __future__ import annotations

from typing import Annotated

from pydantic import ConfigDict, Field

from gamesession.api.parts import RULES, DnsLabel, Part, Port, UrlPath, cel


class Fallback(Part):
    """Who answers when no session can be had: a Service of this namespace (service, port, path), or
    a URL that the gateway allows. It takes requests at once on capacity, start_failed and
    unavailable; never a request of which part was sent to a pod."""

    model_config = ConfigDict(
        json_schema_extra={
            RULES: [
                cel(
                    "has(self.url) != has(self.service)",
                    "set exactly one of url and service (with port)",
                ),
                cel(
                    "has(self.service) == has(self.port)",
                    "service and port belong together: set both, or url alone",
                ),
                cel(
                    "!has(self.url) || !has(self.path)",
                    "path belongs to service: write it into url instead",
                    ".path",
                ),
            ]
        }
    )

    service: DnsLabel | None = None
    """Name of a Service in this namespace."""

    port: Port | None = None
    """Port of that Service."""

    path: UrlPath | None = None
    """Prefix that the paths of requests get. Default: none."""

    url: Annotated[str, Field(pattern=r"^https?://[!-~]+$", max_length=2048)] | None = None
    """Base URL; it must be in the gateway's allow-list."""

    on_slow_start: bool = False
    """Whether it also takes requests whose pod was not up in the time that the gateway holds them.
    Default: false."""
