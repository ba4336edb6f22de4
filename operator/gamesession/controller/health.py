"""What the admin port says of the operator that this process is now."""

from __future__ import annotations

from typing import Final

from gamesession.controller.comparison import Comparison
from gamesession.kube.contact import Contact
from gamesession.kube.metrics import WATCH_AGE

DEAF_SECONDS: Final = 60.0


class Health:
    """Follows one operator after another."""

    def __init__(self) -> None:
        self._comparison: Comparison | None = None
        self._contact: Contact | None = None

    @property
    def serving(self) -> bool:
        """Whether an operator has listed all there is, and follows it."""
        return self._comparison is not None

    def begin(self, comparison: Comparison, contact: Contact) -> None:
        """An operator begins to serve."""
        self._comparison, self._contact = comparison, contact
        for plural, kind in comparison.kinds.items():
            WATCH_AGE.labels(plural).set_function(kind.hearing.age)

    def end(self) -> None:
        """It has ended, and nothing of it is to be kept."""
        self._comparison = self._contact = None

    def unhealthy(self) -> list[str]:
        """Why this process should be replaced: another one would hear, where this one is deaf.

        Not where the API server is away or refuses: a new process would know less than this one,
        and after a few of them Kubernetes would wait for minutes until it starts the next.
        """
        if self._comparison is None or self._contact is None:
            return []
        heeded = min(self._contact.seconds(), self._comparison.contact.seconds())
        return [] if heeded < DEAF_SECONDS else self._deaf(self._comparison, patient=True)

    def unready(self) -> list[str]:
        """Why it cannot do its work at the moment."""
        if self._comparison is None or self._contact is None:
            return ["not listed everything yet"]
        away = ["the API server does not answer"] if self._contact.lost else []
        refused = [self._comparison.refused] if self._comparison.refused else []
        return away + refused + self._deaf(self._comparison)

    @staticmethod
    def _deaf(comparison: Comparison, *, patient: bool = False) -> list[str]:
        """The kinds whose watches are deaf.

        Args:
            patient: pass over those that are behind because they have so much to tell.
        """
        return [
            f"{plural}: nothing heard for {kind.hearing.age():.0f} s"
            for plural, kind in comparison.kinds.items()
            if kind.hearing.age() > DEAF_SECONDS
            if not (patient and kind.hearing.is_behind() and kind.hearing.is_telling())
        ]
