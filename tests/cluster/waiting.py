"""Waiting for a condition with a deadline."""

from __future__ import annotations

import time
from collections.abc import Callable

from tests.cluster.errors import ClusterError

INTERVAL = 0.05


class DeadlineError(ClusterError):
    """What was waited for did not happen in time."""


def wait_for(holds: Callable[[], object], seconds: float, what: str) -> None:
    """Returns as soon as `holds()` is true, looking every 50 ms.

    Args:
        holds: may raise to give up early.
        seconds: from now.
        what: said in the error, after "waited 30 s for".

    Raises:
        DeadlineError: it was not true in time.
    """
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            raise DeadlineError(f"waited {seconds:g} s for {what}")
        time.sleep(INTERVAL)
