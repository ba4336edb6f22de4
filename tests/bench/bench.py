"""What a bench is."""

from __future__ import annotations

from typing import Protocol

from tests.bench.figure import Figure
from tests.bench.stack import Stack


class Bench(Protocol):
    """A module that measures something."""

    @property
    def NAME(self) -> str:  # noqa: N802
        """What it is called on the command line."""

    @property
    def SUMMARY(self) -> str:  # noqa: N802
        """What is measured, in a sentence."""

    def measure(self, stack: Stack) -> list[Figure]:
        """Measure.

        Raises:
            ClusterError, DidNotHappen, OSError: it could not be measured.
        """
