"""The event loop of our own threads: it works at interpreter exit, and in forks not at all."""

from __future__ import annotations

import asyncio
import contextlib
import os
import selectors
from collections.abc import Callable
from typing import Any

from gamesession.client.workers import Workers

WORKERS = Workers()
"""The process's."""


class Loop(asyncio.SelectorEventLoop):
    """A loop on a selector of its own."""

    def __init__(self) -> None:
        self._own_selector = selectors.DefaultSelector()
        self._forsaken = False
        super().__init__(self._own_selector)

    def run_in_executor(  # type: ignore[override]
        self, executor: Any, func: Callable[..., Any], *args: Any
    ) -> asyncio.Future[Any]:
        """At exit, `concurrent.futures` takes no more jobs: without this no name could be looked
        up, and what is to be written last would not be."""
        if executor is not None:
            return super().run_in_executor(executor, func, *args)
        return asyncio.wrap_future(WORKERS.submit(lambda: func(*args)), loop=self)

    def forsake(self) -> None:
        """In a forked child: let go of the parent's connections, and touch nothing of theirs.

        The descriptors of an epoll and of its sockets are shared with the parent. Were the child
        to close transports in the ordinary way, it would take the sockets out of the parent's
        epoll; were it to keep them, connections would outlive the parent's close.
        """
        self._forsaken = True
        nowhere = os.open(os.devnull, os.O_RDWR)
        for key in list((self._own_selector.get_map() or {}).values()):
            # The numbers stay taken, for somebody may close them yet.
            with contextlib.suppress(OSError):
                os.dup2(nowhere, key.fd, inheritable=False)
        os.close(nowhere)
        self._own_selector.close()

    def is_closed(self) -> bool:
        """A loop that was forsaken counts as closed: what is collected leaves it alone."""
        return self._forsaken or super().is_closed()

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        """The parent's tasks never end here: that is no error."""
        if not self._forsaken:
            super().call_exception_handler(context)
