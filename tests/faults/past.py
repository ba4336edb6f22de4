"""An API server that lags behind: it lists what was, and its watches tell nothing new.

Reads of single objects and writes are as fresh as ever: they do not come from its cache.
"""

from __future__ import annotations

from tests.faults.fault import Answer, Forward
from tests.faults.proxy import Proxy
from tests.faults.request import Request


class Past:
    """A moment at which the lists that a proxy passes on, and its watches, stand still."""

    def __init__(self, proxy: Proxy) -> None:
        self._proxy = proxy
        self._answers: dict[tuple[str, str], Answer] = {}

    async def look(self) -> None:
        """This is the moment, for all lists that were asked for before."""
        for request in list(self._proxy.requests):
            if _is_list(request) and _key(request) not in self._answers:
                self._answers[_key(request)] = await self._proxy.ask(request)

    def begin(self) -> None:
        """From now on nothing new is told, and lists are as they were at that moment; others as
        they are when they are asked for first."""
        self._proxy.add(_is_list, self._recall, times=1_000_000)
        self._proxy.silence()

    def end(self) -> None:
        """It has caught up."""
        self._proxy.clear()
        self._proxy.restore()

    async def _recall(self, request: Request, forward: Forward) -> Answer:
        if _key(request) not in self._answers:
            self._answers[_key(request)] = await forward()
        return self._answers[_key(request)]


def _is_list(request: Request) -> bool:
    return request.verb == "list"


def _key(request: Request) -> tuple[str, str]:
    return str(request.url.relative()), request.headers.get("Accept", "")
