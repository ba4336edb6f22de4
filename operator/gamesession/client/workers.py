"""Threads for work that may take long or never end, and that must still run at interpreter exit."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, Final

MOST_THREADS: Final = 64

Job = tuple[Callable[[], Any], Future[Any]]


class Workers:
    """Runs jobs in daemon threads, which come as needed and go when nothing is left to do.

    `concurrent.futures` has no use here: its threads are waited for at exit, however long they
    hang, and before that it refuses new jobs.
    """

    def __init__(self) -> None:
        self.forsake()

    def forsake(self) -> None:
        """Begin anew: in a forked child the threads are gone, and the jobs are the parent's."""
        self._lock = threading.Lock()
        self._jobs: deque[Job] = deque()
        self._threads = 0

    def submit(self, work: Callable[[], Any]) -> Future[Any]:
        """Run `work` soon; it tells its outcome by the future."""
        outcome: Future[Any] = Future()
        with self._lock:
            self._jobs.append((work, outcome))
            if self._threads >= MOST_THREADS:
                return outcome
            self._threads += 1
        try:
            threading.Thread(target=self._run, name="gamesession worker", daemon=True).start()
        except RuntimeError:  # Python 3.12 and later start no threads at exit
            self._run()
        return outcome

    def _run(self) -> None:
        while True:
            with self._lock:
                if not self._jobs:
                    self._threads -= 1
                    return
                work, outcome = self._jobs.popleft()
            if not outcome.set_running_or_notify_cancel():
                continue
            try:
                outcome.set_result(work())
            except BaseException as error:
                outcome.set_exception(error)
