"""What befalls one Game and its sessions, step by step."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

from tests.integration.fuzz.specs import damaged, games
from tests.integration.fuzz.values import (
    ANYTHING,
    BAD_DURATIONS,
    BAD_USERS,
    DURATIONS,
    INSTANTS,
    SCALARS,
    TIMES,
    USERS,
)

Object = dict[str, Any]


@dataclass(frozen=True)
class Put:
    """The Game is created, or changed to another spec.

    Attributes:
        sound: whether the API server must take it, and its sessions must be served.
    """

    spec: Object
    sound: bool


@dataclass(frozen=True)
class Open:
    """A session is created, under a name of its own or the derived one."""

    spec: Object
    name: str


@dataclass(frozen=True)
class Scribble:
    """Somebody who may writes nonsense into all sessions' status."""

    status: Object


@dataclass(frozen=True)
class Retime:
    """All sessions get another idle timeout, or none."""

    value: Any


@dataclass(frozen=True)
class End:
    """All sessions are deleted, in whatever state they are."""


@dataclass(frozen=True)
class Drop:
    """The Game is deleted."""


@dataclass(frozen=True)
class Look:
    """Time passes, for the operator to look at a session."""


Step = Put | Open | Scribble | Retime | End | Drop | Look

_CONDITIONS = st.lists(
    st.fixed_dictionaries(
        {
            "type": st.sampled_from(["Ready", "Other", "x" * 316]),
            "status": st.sampled_from(["True", "False", "Unknown"]),
            "reason": st.sampled_from(["PodReady", "a", "Duplicate"]),
            "message": st.text(max_size=30) | st.just("x" * 32768),
            "lastTransitionTime": INSTANTS,
        }
    ),
    max_size=2,
    unique_by=lambda condition: str(condition["type"]),
)
_STATUSES = st.fixed_dictionaries(
    {},
    optional={
        "phase": st.sampled_from(["Pending", "Starting", "Ready", "Failed", "", None]),
        "conditions": _CONDITIONS | st.none(),
        "podName": st.sampled_from(["", "no-such-pod", "x" * 300, "-" + "9" * 50, None]),
        "podUID": st.text(max_size=9) | st.none(),
        "podIP": st.sampled_from(["", "10.0.0.1", "::1", "not an address", "127.0.0.1", None]),
        "services": st.dictionaries(st.text(max_size=5), st.text(max_size=9), max_size=2)
        | st.none(),
        "startKind": st.sampled_from(["Warm", "Cold", None]),
        "lastActivity": INSTANTS,
        "startedAt": INSTANTS,
        "startingSince": INSTANTS,
        "readyAt": INSTANTS,
        "failedAt": INSTANTS,
        "restarts": st.sampled_from([0, 3, -1, 2**31, 2**63 - 1, 1e19]),
        "failures": st.sampled_from([0, 4, 5, -1, 2**63 - 1]),
        "observedGeneration": st.sampled_from([0, -1, 2**63 - 1]),
    },
)
_LIKELY_STATUS: dict[str, st.SearchStrategy[Any]] = {
    "phase": st.sampled_from(["Pending", "Starting", "Ready", "Failed"]),
    "podName": st.sampled_from(["", "no-such-pod", "-999999999", "-" + "9" * 5000, None]),
    "podUID": st.none() | st.just("x"),
    "podIP": st.sampled_from(["127.0.0.1", "::1", "not an address", None]),
    "startedAt": TIMES,
    "startingSince": TIMES,
    "readyAt": TIMES,
    "failedAt": TIMES,
    "restarts": st.sampled_from([-1, 0, 2**63 - 1]),
    "failures": st.sampled_from([-1, 0, 4, 2**63 - 1]),
}
"""What the API server takes: it is the operator that must get along with it."""
_SESSION_SPECS = st.one_of(
    st.fixed_dictionaries({"user": USERS}, optional={"idleTimeout": DURATIONS}),
    st.fixed_dictionaries({"user": USERS | BAD_USERS}, optional={"idleTimeout": BAD_DURATIONS}),
    st.fixed_dictionaries({"user": USERS, "game": SCALARS}),
    st.fixed_dictionaries({"user": USERS}, optional={"bogus": ANYTHING}),
)
_SESSION_NAMES = st.sampled_from(["", "", "s", "s.s", "s" * 63, "s" * 64, "0", "fuzz-control"])

_STEPS: st.SearchStrategy[Step] = st.one_of(
    st.builds(Put, games(), st.just(True)),
    st.builds(Put, damaged(), st.just(False)),
    st.builds(Open, _SESSION_SPECS, _SESSION_NAMES),
    st.builds(Open, _SESSION_SPECS, st.just("")),
    st.builds(Scribble, _STATUSES),
    st.builds(Scribble, st.fixed_dictionaries({}, optional=_LIKELY_STATUS)),
    st.builds(Retime, DURATIONS | BAD_DURATIONS | st.none()),
    st.builds(End),
    st.builds(Drop),
    st.builds(Look),
)

_GAMES = st.builds(Put, games(), st.just(True)) | st.builds(Put, damaged(), st.just(False))
_FIRST_SESSION = st.builds(
    Open, st.fixed_dictionaries({"user": USERS}, optional={"idleTimeout": DURATIONS}), st.just("")
)

TALES = st.builds(
    lambda first, session, rest: [first, session, *rest],
    _GAMES,
    _FIRST_SESSION,
    st.lists(_STEPS, min_size=1, max_size=7),
)
"""The steps of one tale; it begins with a Game and a session."""
