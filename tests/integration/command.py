"""The command `gamesession` as a process, in a pipe or at a terminal."""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import os
import pty
import struct
import sys
import termios
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
BIN = Path(sys.executable).parent


@dataclass(frozen=True)
class Ended:
    """How a command ended, and what it printed."""

    code: int
    out: str
    err: str


class Command:
    """Runs the command.

    Args:
        kubeconfig: the cluster.
        namespace: where it looks, unless an argument says otherwise.
    """

    def __init__(self, kubeconfig: Path, namespace: str) -> None:
        self._environment = {
            **os.environ,
            "GAMESESSION_KUBECONFIG": str(kubeconfig),
            "GAMESESSION_NAMESPACE": namespace,
            "KUBECONFIG": str(kubeconfig),
            "PATH": f"{BIN}:{os.environ['PATH']}",
            "PYTHONPATH": str(ROOT / "operator"),
        }

    async def __call__(
        self, *arguments: str, program: Path = BIN / "gamesession", **environment: str
    ) -> Ended:
        """Run it to its end, with nobody at the keyboard."""
        process = await asyncio.create_subprocess_exec(
            str(program),
            *arguments,
            env={**self._environment, **environment},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        try:
            out, err = await process.communicate()
        finally:
            if process.returncode is None:
                process.kill()
        assert process.returncode is not None
        return Ended(process.returncode, out.decode(), err.decode())

    @asynccontextmanager
    async def at_terminal(self, *arguments: str) -> AsyncIterator[Terminal]:
        """Run it with somebody at a terminal of 120 columns and 24 lines."""
        ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 120, 0, 0))
        process = await asyncio.create_subprocess_exec(
            str(BIN / "gamesession"),
            *arguments,
            env={**self._environment, "TERM": "xterm-256color"},
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
        )
        terminal = Terminal(ours, theirs, process)
        asyncio.get_running_loop().add_reader(ours, terminal.read)
        try:
            yield terminal
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
            asyncio.get_running_loop().remove_reader(ours)
            os.close(ours)
            os.close(theirs)


class Terminal:
    """A terminal and what runs there.

    Attributes:
        shown: all that was ever written to it.
    """

    def __init__(self, ours: int, theirs: int, process: asyncio.subprocess.Process) -> None:
        self.shown = ""
        self.process = process
        self._ours = ours
        self._theirs = theirs

    def read(self) -> None:
        """Take in what has been written."""
        with contextlib.suppress(OSError):
            self.shown += os.read(self._ours, 65536).decode(errors="replace")

    def type(self, keys: str) -> None:
        """Press keys."""
        os.write(self._ours, keys.encode())

    @property
    def echoes(self) -> bool:
        """Whether what is typed is shown, as it is where nothing has changed that."""
        flags: int = termios.tcgetattr(self._theirs)[3]
        return bool(flags & termios.ECHO)
