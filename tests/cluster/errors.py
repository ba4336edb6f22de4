"""What can go wrong with the cluster, each a sentence for the person who started it."""

from __future__ import annotations

from pathlib import Path

LAST_LINES = 20


class ClusterError(Exception):
    """The cluster cannot do what was asked; the message says why and what to do."""


class PrerequisiteError(ClusterError):
    """The machine lacks a program or a right; the message names what to install or do."""


class ComponentError(ClusterError):
    """A component stopped or did not become ready; the message ends with its log's last lines."""

    def __init__(self, message: str, log: Path) -> None:
        super().__init__(f"{message}\n--- last lines of {log}\n{last_lines(log)}")
        self.log = log


class CommandError(ClusterError):
    """A command ended with an error."""

    def __init__(self, command: list[str], code: int, output: str) -> None:
        super().__init__(f"`{' '.join(command)}` ended with {code}:\n{output.strip()}")
        self.code = code
        self.output = output


def last_lines(log: Path, count: int = LAST_LINES) -> str:
    """The last lines of a log, or a note that there is none."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, log.stat().st_size - 64 * 1024))
            text = file.read().decode(errors="replace")
    except FileNotFoundError:
        return "(no log)"
    return "\n".join(text.splitlines()[-count:]) or "(empty)"
