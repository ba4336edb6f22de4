"""A terminal: one bash that remembers its variables from one block to the next."""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import signal
from collections.abc import Mapping
from pathlib import Path
from typing import Self

from tests.cluster.process import die_with


class Shell:
    """A bash with nobody at the keyboard. What it has started ends with it.

    Args:
        directory: where it works.
        environment: all of its variables.
    """

    def __init__(self, directory: Path, environment: Mapping[str, str]) -> None:
        self._directory = directory
        self._environment = environment
        self._mark = secrets.token_hex(16)
        self._say_code = f"code_of=$?; echo; echo {self._mark} $code_of"

    async def __aenter__(self) -> Self:
        self._process = await asyncio.create_subprocess_exec(
            *("bash", "--noprofile", "--norc"),
            cwd=self._directory,
            env=self._environment,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=die_with(os.getpid()),
        )
        # A block that `set -e` ends takes the shell with it: how it ended is said all the same.
        self._write(f"set -o pipefail; trap '{self._say_code}' EXIT\n")
        return self

    async def __aexit__(self, *_: object) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        await self._process.wait()

    async def run(self, command: str, *, seconds: float) -> tuple[int, str]:
        """Exit code and output of a command, of several lines maybe; of the last one that failed.

        Raises:
            TimeoutError: it went on for longer than `seconds`.
            EOFError: the shell has ended.
        """
        # Standard input is where the commands come from: no command may read it.
        script = f"{{ {command.rstrip()}\n}} </dev/null\n{self._say_code}; (exit $code_of)\n"
        self._write(script)
        printed: list[str] = []
        async with asyncio.timeout(seconds):
            while True:
                line = (await self._line()).decode(errors="replace")
                if line.startswith(self._mark):
                    # The line end before the mark is ours.
                    return int(line.split()[1]), "".join(printed).removesuffix("\n")
                printed.append(line)

    async def _line(self) -> bytes:
        assert self._process.stdout is not None
        line = await self._process.stdout.readline()
        if not line:
            raise EOFError("the shell has ended")
        return line

    def _write(self, text: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(text.encode())
