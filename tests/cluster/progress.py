"""Tells a person what is being done and how long it took."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager


def tell(line: str) -> None:
    """One line to stderr at once: stdout is for what programs read (`kubeconfig`)."""
    print(line, file=sys.stderr, flush=True)


def duration(seconds: float) -> str:
    """A time as people read it: `0.4 s`, `12 s`, `5 min 10 s`."""
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


@contextmanager
def step(doing: str, done: str) -> Iterator[None]:
    """Says what begins (`doing`, with how long to expect) and, once it worked, what it took."""
    tell(f"{doing} ...")
    begin = time.monotonic()
    yield
    tell(f"  {done} in {duration(time.monotonic() - begin)}")
