"""Plain text for people and pipes: columns as kubectl prints them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from rich.cells import cell_len

GAP: Final = "   "


def table(rows: Sequence[Sequence[str]]) -> str:
    """Rows of cells as lines, the first of them the heading."""
    widths = [max(cell_len(row[place]) for row in rows) for place in range(len(rows[0]))]
    return "".join(_line(row, widths) + "\n" for row in rows)


def _line(row: Sequence[str], widths: Sequence[int]) -> str:
    cells = (cell + " " * (width - cell_len(cell)) for cell, width in zip(row, widths, strict=True))
    return GAP.join(cells).rstrip()


def printable(text: str, *, keep_lines: bool = False) -> str:
    """The text without anything that steers a terminal: users' names and pods' words may hold
    whatever their authors liked."""
    return "".join(
        char if char.isprintable() or (keep_lines and char == "\n") else _escaped(char)
        for char in text
    )


def _escaped(char: str) -> str:
    return char.encode("unicode_escape", "backslashreplace").decode()


def short(span: timedelta) -> str:
    """A span of time in its two largest units, as in `29m41s`; nothing is shorter than `0s`."""
    seconds = max(0, int(span.total_seconds()))
    minutes, hours, days = seconds // 60, seconds // 3600, seconds // 86400
    if minutes < 1:
        return f"{seconds}s"
    if hours < 1:
        return f"{minutes}m{seconds % 60:02}s"
    if days < 1:
        return f"{hours}h{minutes % 60:02}m"
    return f"{days}d{hours % 24}h"
