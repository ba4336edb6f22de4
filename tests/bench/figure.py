"""One figure: what was measured, its floor, and what is promised of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Promise:
    """At most so much.

    Attributes:
        most: in the figure's unit.
        of: whether all that was measured is meant, or what it has above its floor.
    """

    most: float
    of: Literal["measured", "added"] = "measured"


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
        if self.promise is not None and self.promise.of == "added" and self.floor is None:
            raise ValueError(f"{self.name}: what is added is promised, but there is no floor")

    @property
    def added(self) -> float | None:
        """What was measured above the floor."""
        return None if self.floor is None else self.measured - self.floor

    @property
    def kept(self) -> bool | None:
        """Whether the promise was kept; `None` where nothing is promised."""
        if self.promise is None:
            return None
        bound = self.measured if self.promise.of == "measured" else self.added
        return bound is not None and bound <= self.promise.most
