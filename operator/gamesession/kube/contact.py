"""Whether the API server answers us, and since when again."""

from __future__ import annotations

from collections.abc import Callable


class Contact:
    """Follows the outcome of requests; lost until the first answer.

    Args:
        clock: seconds that only move forward (`time.monotonic`).
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self.since = clock()
        self.lost = True
        self.on_regained: Callable[[], None] = lambda: None

    def succeeded(self) -> None:
        """A request was answered, by whatever answer of an API server that is well."""
        if self.lost:
            self.lost = False
            self.since = self._clock()
            self.on_regained()

    def failed(self) -> None:
        """A request was not answered."""
        self.lost = True

    def seconds(self) -> float:
        """How long contact has stood without a break; 0 while it is lost."""
        return 0.0 if self.lost else self._clock() - self.since
