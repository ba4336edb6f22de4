"""Conditions: what holds of an object, since when, and why, in words a person can act on."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Final, Literal

from pydantic import BeforeValidator, Field

from gamesession.api.parts import Instant, ObservedPart

ConditionStatus = Literal["True", "False", "Unknown"]

MAX_MESSAGE: Final = 4096
"""As much of a message as we write; the CRDs allow what Kubernetes does everywhere, 32768."""


def _cut(text: str) -> str:
    # The words of others (an API server, a log) may be of any length, and a message that is too
    # long must not cost the whole status.
    return text if len(text) <= MAX_MESSAGE else text[: MAX_MESSAGE - 1] + "…"


class Condition(ObservedPart):
    """One thing that does or does not hold of this object (Kubernetes' `metav1.Condition`)."""

    type: Annotated[str, Field(min_length=1, max_length=316)]
    """What it is about."""

    status: ConditionStatus
    """Whether it holds."""

    reason: Annotated[
        str, Field(pattern=r"^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$", max_length=1024)
    ]
    """Why, in one word for programs."""

    message: Annotated[str, BeforeValidator(_cut), Field(max_length=32768)]
    """Why, in words for people."""

    last_transition_time: Instant
    """When status last changed."""

    observed_generation: int | None = None
    """The generation of the object that this was seen on."""


def set_condition(conditions: Iterable[Condition], new: Condition) -> tuple[Condition, ...]:
    """The conditions with `new` in the place of the one of its type, or at the end.

    `lastTransitionTime` stays what it was unless `status` changes.
    """
    found = list(conditions)
    for place, old in enumerate(found):
        if old.type == new.type:
            if old.status == new.status:
                new = new.model_copy(update={"last_transition_time": old.last_transition_time})
            found[place] = new
            return tuple(found)
    return (*found, new)


def condition(conditions: Iterable[Condition], type_: str) -> Condition | None:
    """The condition of that type, if there is one."""
    return next((found for found in conditions if found.type == type_), None)
