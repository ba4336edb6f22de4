"""A guide as its reader goes through it."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

from tests.guides.guide import ROOT, Block
from tests.guides.shell import Shell
from tests.guides.transcript import differences, exchanges

PATIENCE = 300.0
"""Seconds for one command; a guide waits for things."""


class BlockFailed(AssertionError):
    """A block does not do what the guide says."""


class Walk:
    """Runs blocks, in order.

    Args:
        desk: a directory that looks like a checkout, where the reader's own files go.
        environment: variables for bash.
        patience: seconds that one command may take.
        writes: write what was printed into the guide where it shows something else.
    """

    def __init__(
        self,
        desk: Path,
        environment: Mapping[str, str],
        *,
        patience: float = PATIENCE,
        writes: bool = False,
    ) -> None:
        self._desk = desk
        self._shell = Shell(desk, environment)
        self._patience = patience
        self._writes = writes
        self._names: dict[str, Any] = {"__name__": "guide"}

    async def __aenter__(self) -> Self:
        furnish(self._desk)
        await self._shell.__aenter__()
        return self

    async def __aexit__(self, *error: object) -> None:
        await self._shell.__aexit__(*error)

    async def through(self, blocks: Sequence[Block]) -> int:
        """Run those blocks that run; how many there were.

        Raises:
            BlockFailed: one did not do what the guide says.
        """
        chosen = [block for block in blocks if block.runs]
        for block in chosen:
            await self.take(block)
        return len(chosen)

    async def take(self, block: Block) -> None:
        """Run one block.

        Raises:
            BlockFailed: it did not do what the guide says.
        """
        if block.file:
            (self._desk / block.file).write_text(block.text)
        elif block.language == "console":
            await self._converse(block)
        elif block.language == "python":
            await self._execute(block)
        elif block.language == "yaml":
            (self._desk / ".applied.yaml").write_text(block.text)
            await self._succeed(block, "kubectl -n games apply -f .applied.yaml")
        else:
            await self._succeed(block, f"set -e\n{block.text}set +e")

    async def _succeed(self, block: Block, script: str) -> None:
        try:
            code, printed = await self._shell.run(script, seconds=self._patience)
        except (EOFError, TimeoutError) as error:
            raise BlockFailed(f"{block.place}: {error!r} of\n{block.text}") from error
        if code:
            raise BlockFailed(f"{block.place}: exit code {code} of\n{block.text}\n{printed}")

    async def _converse(self, block: Block) -> None:
        text = ""
        for each in exchanges(block.text):
            _, printed = await self._shell.run(each.command, seconds=self._patience)
            differs = differences(each.shown, printed)
            if differs and not self._writes:
                raise BlockFailed(f"{block.place}: $ {each.command}\n{differs}")
            shown = "".join(f"{line}\n" for line in each.shown)
            command = each.command.replace("\n", "\n> ")
            text += f"$ {command}\n" + (f"{printed.rstrip()}\n" if differs and printed else shown)
        if text != block.text:
            write(block, text)

    async def _execute(self, block: Block) -> None:
        flags = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT
        code = compile(block.text, block.place, "exec", flags=flags)
        found = eval(code, self._names)
        if inspect.isawaitable(found):
            await found


def write(block: Block, text: str) -> None:
    """Put another text in the place of a block's."""
    guide = ROOT / block.guide
    guide.write_text(guide.read_text().replace(block.text, text, 1))


def furnish(desk: Path) -> None:
    """Make a directory look like the checkout; what is written there stays there."""
    for entry in ROOT.iterdir():
        if not (desk / entry.name).exists():
            (desk / entry.name).symlink_to(entry)
