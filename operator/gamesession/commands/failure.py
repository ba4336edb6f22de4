"""What ends a command without success: a sentence for a person, an exit code for a program."""

from __future__ import annotations

from typing import Final

FAILED: Final = 1
USAGE: Final = 2
TIMED_OUT: Final = 124
"""As `timeout(1)` has it."""
INTERRUPTED: Final = 130


class Failure(Exception):
    """The end of a command.

    Args:
        message: what is the matter, and what to do next.
        code: the exit code.
    """

    def __init__(self, message: str, code: int = FAILED) -> None:
        super().__init__(message)
        self.code = code


class NotFound(Failure):
    """What was asked for is not there."""
