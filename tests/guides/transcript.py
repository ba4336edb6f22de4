"""What a terminal showed: commands after `$ `, and what they printed.

What differs from run to run may differ from the guide, too: times, ages, uids, addresses, numbers
with a fraction, the random ends of names, widths of columns. `…` in a line of the guide stands for
anything, a line of its own for any lines.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_CHANGES = [
    (re.compile(pattern), mark)
    for pattern, mark in (
        (r"\b\d{4}-\d\d-\d\dT[0-9:.]+Z", "<time>"),
        (r"\b\d\d:\d\d:\d\d\b", "<time>"),
        (r"\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b", "<uid>"),
        (r"\b[0-9a-f]{32}\b", "<id>"),
        (r"\b\d+\.\d+\.\d+\.\d+(:\d+)?", "<address>"),
        (r"(?<![0-9a-zA-Z])\d{10}\b", "<time>"),
        (r"-warm-[a-z0-9]+\b", "-warm-<end>"),
        (r"-[0-9a-f]{5}-\d+\b", "-<uid>-<n>"),
        (r"-[0-9a-f]{6,10}-[a-z0-9]{5}\b", "-<pod>"),
        (r"\b(\d+(\.\d+)?(ms|s|m|h|d))+\b", "<age>"),
        (r"\b\d+\.\d+\b", "<number>"),
        (r"\s+", " "),
    )
]
ANYTHING = "…"


@dataclass(frozen=True)
class Exchange:
    """A command, and what it is said to print."""

    command: str
    shown: tuple[str, ...]


def exchanges(text: str) -> list[Exchange]:
    """The commands of a `console` block. A command goes on in the next line after a backslash, and
    in lines that begin `> `."""
    found: list[tuple[list[str], list[str]]] = []
    for line in text.rstrip("\n").splitlines():
        if line.startswith("$ "):
            found.append(([line[2:]], []))
        elif found and not found[-1][1] and line.startswith("> "):
            found[-1][0].append(line[2:])
        elif found:
            found[-1][1].append(line)
        else:
            raise ValueError(f"a console block begins with `$ `, not with {line!r}")
    return [Exchange("\n".join(said), tuple(_trimmed(shown))) for said, shown in found]


def differences(expected: tuple[str, ...], printed: str) -> str | None:
    """How what was printed does not look as expected; `None` if it does."""
    lines = _trimmed(printed.splitlines())
    if _matches([_pattern(line) for line in expected], [_shape(line) for line in lines]):
        return None
    return "\n".join(["expected:", *expected, "", "printed:", *lines])


def _trimmed(lines: list[str]) -> list[str]:
    """Without empty lines at the end."""
    while lines and not lines[-1].strip():
        lines = lines[:-1]
    return lines


def _shape(line: str) -> str:
    for pattern, mark in _CHANGES:
        line = pattern.sub(mark, line)
    return line.strip()


def _pattern(line: str) -> re.Pattern[str] | None:
    """What a line must look like; `None` for any lines."""
    if line.strip() == ANYTHING:
        return None
    return re.compile(".*".join(re.escape(part) for part in _shape(line).split(ANYTHING)))


def _matches(patterns: list[re.Pattern[str] | None], lines: list[str]) -> bool:
    if not patterns:
        return not lines
    if (first := patterns[0]) is None:
        return any(_matches(patterns[1:], lines[rest:]) for rest in range(len(lines) + 1))
    return bool(lines) and bool(first.fullmatch(lines[0])) and _matches(patterns[1:], lines[1:])
