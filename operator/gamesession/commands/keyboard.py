"""Keys of somebody who watches: which of them leave."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def leaving() -> Iterator[asyncio.Event]:
    """An event that is set by `q`, by Ctrl-C and by SIGTERM. The terminal does not show what is
    typed meanwhile."""
    import termios  # of terminals that are none of Windows'
    import tty

    loop, left = asyncio.get_running_loop(), asyncio.Event()
    keyboard = sys.stdin.fileno()

    def typed() -> None:
        keys = os.read(keyboard, 64)
        if not keys or b"q" in keys.lower():  # nothing: the terminal has gone
            left.set()

    before = termios.tcgetattr(keyboard)
    signals = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    tty.setcbreak(keyboard)
    loop.add_reader(keyboard, typed)
    for number in signals:
        loop.add_signal_handler(number, left.set)
    try:
        yield left
    finally:
        for number in signals:
            loop.remove_signal_handler(number)
        loop.remove_reader(keyboard)
        termios.tcsetattr(keyboard, termios.TCSADRAIN, before)
