"""How far the watches of a kind have come, and whether one of them is deaf.

Lists that are made anyway tell what there is to be heard of. A watch that has not come as far as a
list of some time ago tells nothing, or too late.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple

from gamesession.controller.shelf import Key

DEAF_SECONDS: Final = 20.0


class DeafWatch(Exception):
    """A watch tells nothing of changes that happen: only starting over helps."""


class Listed(NamedTuple):
    """What a comparison keeps of what a list said of an object: thousands are listed.

    Attributes:
        awaits_kopf: whether kopf has yet to write it, and hands on no event of it until then.
    """

    uid: str
    version: int
    awaits_kopf: bool


@dataclass(frozen=True, slots=True)
class Missed:
    """What a list said of an object, and the watch had not told.

    Attributes:
        since: when that was.
    """

    uid: str
    version: int
    since: float


class Hearing:
    """What the watches of a kind have told; each namespace has one of its own.

    Args:
        plural: of the kind.
        clock: seconds that only move forward.
    """

    def __init__(
        self, plural: str, namespaces: list[str], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._plural = plural
        self._clock = clock
        self._told = dict.fromkeys(namespaces, 0)
        self._told_at: dict[str, float] = {}
        self._missed: dict[str, dict[Key, Missed]] = {each: {} for each in namespaces}
        self._goal = dict.fromkeys(namespaces, 0)
        self._well_at = dict.fromkeys(namespaces, clock())

    def begin(self, namespace: str) -> None:
        """All that is there was listed; what happens from now on is to be heard of."""
        self._well_at[namespace] = self._clock()

    def hear(self, namespace: str, version: int) -> None:
        """A watch told of an object in that version."""
        self._told[namespace] = max(self._told[namespace], version)
        self._told_at[namespace] = self._clock()
        if not self._is_behind(namespace):
            self._missed[namespace] = {}
            self._well_at[namespace] = self._clock()

    def told(self, namespace: str) -> int:
        """The highest version that a watch told of."""
        return self._told[namespace]

    def age(self) -> float:
        """Seconds since it was last known of each watch that it tells what there is to tell."""
        return self._clock() - min(self._well_at.values())

    def is_behind(self) -> bool:
        """Whether a watch has yet to tell what was listed."""
        return any(self._is_behind(each) for each in self._told)

    def is_telling(self) -> bool:
        """Whether every watch that is behind is so because it has so much to tell."""
        return all(self._tells(each) for each in self._told if self._is_behind(each))

    def compare(self, namespace: str, listed: Mapping[Key, Listed], contact: float) -> None:
        """Hold a watch against what is there now.

        What is gone since it was missed does not count: a watch that was down for a moment lists
        what is there. Nor does time without contact.

        Args:
            contact: seconds for which the API server has been there.

        Raises:
            DeafWatch: it has not told for long what it should have.
        """
        now, told = self._clock(), self._told[namespace]
        missed: dict[Key, Missed] = {}
        for key, each in listed.items():
            before = self._missed[namespace].get(key)
            if each.awaits_kopf:
                continue
            if before is not None and before.uid == each.uid and before.version > told:
                missed[key] = before
            elif each.version > told:
                missed[key] = Missed(each.uid, each.version, now)
        self._missed[namespace] = missed
        self._goal[namespace] = max((each.version for each in missed.values()), default=0)
        if not missed:
            self._well_at[namespace] = now
            return
        oldest = min(missed.values(), key=lambda each: each.since)
        stood = min(now - oldest.since, contact)
        if stood >= DEAF_SECONDS and not self._tells(namespace):
            raise DeafWatch(
                f"the watch of {self._plural} in {namespace} has told nothing since resource "
                f"version {told}, and there is {oldest.version}"
            )

    def _is_behind(self, namespace: str) -> bool:
        return self._told[namespace] < self._goal[namespace]

    def _tells(self, namespace: str) -> bool:
        silent = self._clock() - self._told_at.get(namespace, -DEAF_SECONDS)
        return silent < DEAF_SECONDS
