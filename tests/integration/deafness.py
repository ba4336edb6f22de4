"""What may befall watches."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, Final

from tests.faults.fault import refused
from tests.faults.proxy import Proxy
from tests.faults.request import Request
from tests.integration.listener import RESOURCES

NOTICED: Final = 60.0
"""Seconds (issue 6)."""
OUTAGE: Final = 120.0
"""Seconds (issue 6)."""
GONE: Final = {"type": "ERROR", "object": {"kind": "Status", "code": 410, "reason": "Expired"}}
"""What an API server says to who watches from too long ago."""

FAULT: Final = {
    "type": "ERROR",
    "object": {"kind": "Status", "code": 500, "reason": "InternalError"},
}
"""What one says whose store fails it."""


async def refuse_to_connect(proxy: Proxy) -> None:
    """All watches break, and the next one of each kind is answered with 410."""
    for resource in RESOURCES:
        proxy.add(_is_watch_of(resource), refused(410))
    proxy.cut()


async def end_with(proxy: Proxy, event: dict[str, Any]) -> None:
    """All watches end, and that event is their last."""
    for stream in proxy.watches():
        stream.end_with(event)


async def hush(proxy: Proxy) -> None:
    """The watches that stand go on, and tell nothing any more."""
    for stream in proxy.watches():
        stream.silent = True


async def hush_for_good(proxy: Proxy) -> None:
    """And so do all that come after them."""
    proxy.silence()


async def delay(proxy: Proxy) -> None:
    """What the watches that stand tell comes five minutes late."""
    for stream in proxy.watches():
        stream.lag = 300.0


FAULTS: Final[dict[str, Callable[[Proxy], Awaitable[None]]]] = {
    "silent again and again": hush_for_good,
    "open and silent": hush,
    "minutes late": delay,
    "410 to who connects": refuse_to_connect,
    "410 in the stream": partial(end_with, event=GONE),
    "500 in the stream": partial(end_with, event=FAULT),
}
"""By which all watches die at once, the slower ones first."""


def _is_watch_of(resource: str) -> Any:
    def matches(request: Request) -> bool:
        return (request.verb, request.resource) == ("watch", resource)

    return matches
