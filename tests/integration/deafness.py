"""What may befall the watches of a listener."""

from __future__ import annotations

from typing import Any, Final

from tests.faults.fault import refused
from tests.faults.request import Request
from tests.integration.listener import RESOURCES, Listener

NOTICED: Final = 60.0
"""Seconds (issue 6)."""
OUTAGE: Final = 120.0
"""Seconds (issue 6)."""
GONE: Final = {"type": "ERROR", "object": {"kind": "Status", "code": 410, "reason": "Expired"}}
"""What an API server says to who watches from too long ago."""


async def refuse_to_connect(listener: Listener) -> None:
    """All watches break, and the next one of each kind is answered with 410."""
    for resource in RESOURCES:
        listener.proxy.add(_is_watch_of(resource), refused(410))
    listener.proxy.cut()


async def end_with(listener: Listener, event: dict[str, Any]) -> None:
    """All watches end, and that event is their last."""
    for stream in listener.proxy.watches():
        stream.end_with(event)


async def hush(listener: Listener) -> None:
    """The watches that stand go on, and tell nothing any more."""
    for stream in listener.proxy.watches():
        stream.silent = True


async def hush_for_good(listener: Listener) -> None:
    """And so do all that come after them."""
    listener.proxy.silence()


async def delay(listener: Listener) -> None:
    """What the watches that stand tell comes five minutes late."""
    for stream in listener.proxy.watches():
        stream.lag = 300.0


def _is_watch_of(resource: str) -> Any:
    def matches(request: Request) -> bool:
        return (request.verb, request.resource) == ("watch", resource)

    return matches
