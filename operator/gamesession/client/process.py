"""What the SDK holds in this process: ended with the process, left alone by its forks."""

from __future__ import annotations

import asyncio
import atexit
import concurrent.futures
import multiprocessing.util
import os
import threading
from typing import Final

import structlog

from gamesession.client.background import Background
from gamesession.client.core import CLEANUP_SECONDS, FLUSH_SECONDS, Core
from gamesession.client.loop import WORKERS

EXIT_SECONDS: Final = CLEANUP_SECONDS + FLUSH_SECONDS

log = structlog.get_logger(__name__)


class Process:
    """The cores of this process, and the thread that those of the blocking face run on."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._cores: set[Core] = set()
        self._background: Background | None = None
        self._inherited: list[object] = []
        self._forking = threading.local()

    def background(self) -> Background:
        """The thread; started where there is none."""
        with self._lock:
            if self._background is None:
                self._background = Background()
            return self._background

    def own(self, core: Core) -> None:
        """A core has been started here."""
        self._cores.add(core)
        if multiprocessing.parent_process() is not None:
            # Its children end by `os._exit`: not `atexit`'s functions are called, but these.
            multiprocessing.util.Finalize(None, self.exit, exitpriority=0)

    def disown(self, core: Core) -> None:
        """It is closed."""
        self._cores.discard(core)

    def exit(self) -> None:
        """Close what has not been closed: users' objects are ended, and activity is written."""
        cores, self._cores = self._cores, set()
        running = [core for core in cores if core.loop.is_running()]
        ended = cores.difference(running)  # their users' loops, that is
        closing = [asyncio.run_coroutine_threadsafe(each.close(), each.loop) for each in running]
        for core in ended:
            core.services.close()
        _, late = concurrent.futures.wait(closing, timeout=EXIT_SECONDS)
        if late:
            log.error("not closed in time", managers=len(late))
        for core in ended:
            core.disposal.wait(CLEANUP_SECONDS)
        background, self._background = self._background, None
        if background is not None:
            background.stop()

    def before_fork(self) -> None:
        """A lock that our thread held now would be held in the child for ever."""
        if self._background is not None:
            self._forking.go_on = self._background.pause()

    def after_fork_in_parent(self) -> None:
        """Go on."""
        go_on: threading.Event | None = self._forking.__dict__.pop("go_on", None)
        if go_on is not None:
            go_on.set()

    def after_fork_in_child(self) -> None:
        """Begin with nothing: thread, connections and users' objects are the parent's.

        They are kept, for what is not collected does nothing at its end.
        """
        self._lock = threading.Lock()
        self._forking = threading.local()
        WORKERS.forsake()
        for core in self._cores:
            core.services.forsake()
        if self._background is not None:
            self._background.loop.forsake()
        self._inherited += [*self._cores, self._background]
        self._cores, self._background = set(), None


PROCESS: Final = Process()

atexit.register(PROCESS.exit)
os.register_at_fork(
    before=PROCESS.before_fork,
    after_in_parent=PROCESS.after_fork_in_parent,
    after_in_child=PROCESS.after_fork_in_child,
)
