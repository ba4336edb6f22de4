"""One figure: what was measured, its floor, and what is promised of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Promise:
    """At most so much, or at least so much.

    Attributes:
        most, least: in the figure's unit; for a ratio, a multiple. `None`: no bound on that side.
        of: whether all that was measured is meant, what it has above its floor, or how many times
            its floor it is.
    """

    most: float | None = None
    of: Literal["measured", "added", "ratio"] = "measured"
    least: float | None = None

    def kept_by(self, value: float) -> bool:
        """Whether a value is within the bounds."""
        return (self.most is None or value <= self.most) and (
            self.least is None or value >= self.least
        )


@dataclass(frozen=True)
class Figure:
    """One figure.

    Attributes:
        measured: in `unit`.
        floor: the same without what this project adds, taken in the same run; `None` where there
            is no such thing.
    """

    name: str
    measured: float
    floor: float | None = None
    promise: Promise | None = None
    unit: str = "ms"

    def __post_init__(self) -> None:
        if self.promise is not None and self.promise.of != "measured" and not self.floor:
            raise ValueError(f"{self.name}: {self.promise.of} is promised, but there is no floor")

    @property
    def added(self) -> float | None:
        """What was measured above the floor."""
        return None if self.floor is None else self.measured - self.floor

    @property
    def ratio(self) -> float | None:
        """How many times its floor was measured."""
        return self.measured / self.floor if self.floor else None

    @property
    def kept(self) -> bool | None:
        """Whether the promise was kept; `None` where nothing is promised."""
        if self.promise is None:
            return None
        bound: float | None = getattr(self, self.promise.of)
        return bound is not None and self.promise.kept_by(bound)
