"""The thread that the blocking face of the SDK works on: one a process, with an event loop."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from typing import Any, Final, TypeVar

from gamesession.client.loop import Loop

PAUSE_SECONDS: Final = 1.0

T = TypeVar("T")


class Background:
    """A running event loop."""

    def __init__(self) -> None:
        self.loop = Loop()
        self._thread = threading.Thread(target=self._follow, name="gamesession", daemon=True)
        self._thread.start()

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """The outcome of work that is done on the loop. Who is interrupted breaks it off."""
        future = asyncio.run_coroutine_threadsafe(work, self.loop)
        try:
            return future.result()
        finally:
            future.cancel()

    def pause(self) -> threading.Event:
        """Hold the loop between two steps, where it holds no lock, until the event is set."""
        reached, go_on = threading.Event(), threading.Event()

        def hold() -> None:
            reached.set()
            go_on.wait()

        self.loop.call_soon_threadsafe(hold)
        reached.wait(PAUSE_SECONDS)
        return go_on

    def stop(self) -> None:
        """End the thread, for it must not run on while the interpreter is taken down."""
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(PAUSE_SECONDS)

    def _follow(self) -> None:
        asyncio.set_event_loop(self.loop)
        self.loop.run_forever()
