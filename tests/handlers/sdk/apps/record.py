"""Objects of a server's that write down, in a file, who made and who ended them."""

from __future__ import annotations

import asyncio
import itertools
import os
import threading

_numbers = itertools.count(1)


class Recorded:
    """Made and cleaned up in one process, once, if all is well."""

    def __init__(self, what: str) -> None:
        self.name = f"{what}-{os.getpid()}-{next(_numbers)}"
        record("made", self.name)

    def cleanup(self) -> None:
        """Take note."""
        record("ended", self.name)


class AsynchronouslyRecorded(Recorded):
    """The same, with a coroutine function, that looks up a name as one with a connection would."""

    async def cleanup(self) -> None:  # type: ignore[override]
        await asyncio.get_running_loop().getaddrinfo("localhost", 80)
        super().cleanup()


def record(deed: str, name: str) -> None:
    """Append a line, which no other process can break up."""
    loop_thread = threading.current_thread().name == "gamesession"
    assert not loop_thread, "the thread of the event loop is not for users' code"
    line = f"{deed} {name} {os.getpid()}\n".encode()
    file = os.open(os.environ["RECORD"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        os.write(file, line)
    finally:
        os.close(file)
