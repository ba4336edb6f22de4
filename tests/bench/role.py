"""Processes that play a part in what is measured: gateway, pod, a proxy to compare with."""

from __future__ import annotations

import asyncio
import contextlib
import multiprocessing
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection as Pipe

import uvloop

from tests.bench import usage

START_SECONDS = 30

Role = Callable[[Callable[[int], None], asyncio.Event], Coroutine[None, None, None]]
"""Gets ready, says at which port it listens, and goes on until told to stop. It is told over to
another process, so it is a function of a module, or a `functools.partial` of one."""


@dataclass(frozen=True)
class Player:
    """A process in its role.

    Attributes:
        port: where it listens.
    """

    port: int
    pid: int

    def cpu(self) -> float:
        """Seconds of a core that it has used."""
        return usage.cpu(self.pid)

    def memory(self) -> float:
        """Its resident set, MiB."""
        return usage.memory(self.pid)


@contextlib.contextmanager
def playing(role: Role) -> Iterator[Player]:
    """A process in that role.

    Raises:
        OSError: it does not start.
    """
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    child = context.Process(target=_play, args=(role, theirs))
    child.start()
    theirs.close()
    try:
        yield Player(_port_said(ours, role), child.pid or 0)
    finally:
        ours.close()
        child.join(10)
        child.kill()


def _play(role: Role, parent: Pipe) -> None:
    """What a process does: its role, until the parent says something or is gone."""

    async def main() -> None:
        stop = asyncio.Event()
        asyncio.get_running_loop().add_reader(parent.fileno(), stop.set)
        await role(parent.send, stop)

    uvloop.run(main())


def _port_said(pipe: Pipe, role: Role) -> int:
    try:
        if pipe.poll(START_SECONDS):
            return int(pipe.recv())
    except EOFError:
        pass
    raise OSError(f"{role} does not start")
