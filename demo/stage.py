"""What the demo prints: headings, lines with times, what a command printed."""

from __future__ import annotations

import time

from rich.console import Console
from rich.text import Text

console = Console(highlight=False, soft_wrap=True)
_begun = time.monotonic()


class DidNotHappen(Exception):
    """Something that should have happened did not; the message says what, and where to look."""


def heading(words: str) -> None:
    """A new part of the story."""
    console.print()
    console.print(Text(words, style="bold cyan"))


def line(words: str, seconds: float | None = None) -> None:
    """Something that happened, when, and how long it took."""
    console.print(
        Text(f"{time.monotonic() - _begun:6.1f} s  ", style="dim"),
        Text(words),
        Text("" if seconds is None else f"  [{_duration(seconds)}]", style="bold green"),
        sep="",
    )


def printed(command: str, output: str) -> None:
    """A command that a reader could type, and what it printed."""
    console.print(Text(f"          $ {command}", style="bold"))
    for each in output.rstrip().splitlines():
        console.print(Text(f"          {each}"), soft_wrap=True)


def failure(reason: str) -> None:
    """Why the demo ended early."""
    console.print()
    console.print(Text(f"The demo did not get through: {reason}", style="bold red"))


def expect(happened: object, reason: str) -> None:
    """Go on only if it happened.

    Raises:
        DidNotHappen: it did not.
    """
    if not happened:
        raise DidNotHappen(reason)


def _duration(seconds: float) -> str:
    return f"{seconds * 1000:.1f} ms" if seconds < 1 else f"{seconds:.2f} s"
