"""Why a pod does not serve: the container's own reason, and how final it is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from typing import Any, Final

from gamesession.api.instant import parse_instant

MAX_MESSAGE_BYTES: Final = 1024
"""As much of a termination message or log goes into a session's status (contract 2)."""

PATIENCE: Final = timedelta(seconds=20)
"""How long a reason to wait that may pass by itself (an image pull that fails, a Secret that is
not there yet) may stand before the start counts as failed. Below the gateway's hold of 25 s, so
that who waits for the start still hears the reason."""


class Outlook(Enum):
    """What will become of a pod that has a problem."""

    STOPPED = "stopped"
    """A container has stopped: a new pod, counted as a failure."""
    LOST = "lost"
    """The node took the pod away: a new pod, no failure of the game."""
    HOPELESS = "hopeless"
    """It will never start."""
    IMPATIENT = "impatient"
    """It may start yet, but not for longer than `PATIENCE`."""
    WAITING = "waiting"
    """It may start yet, for as long as the start may take (a node may be on its way)."""


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a pod does not serve.

    Attributes:
        reason: one CamelCase word, Kubernetes' own where there is one.
        message: a sentence for a person.
        container: whose log tells more than the message does, `""` if none does.
        since: when a container stopped; `None` if none has, or if it is not known.
    """

    outlook: Outlook
    reason: str
    message: str
    container: str = ""
    since: datetime | None = None

    @property
    def wants_new_pod(self) -> bool:
        """Whether another pod may do better."""
        return self.outlook in (Outlook.STOPPED, Outlook.LOST)


_HOPELESS: Final = frozenset({"InvalidImageName", "ErrImageNeverPull"})
_NOT_A_PROBLEM: Final = frozenset({"", "ContainerCreating", "PodInitializing"})
_STOPPED_BY_NODE: Final = frozenset(
    {"Evicted", "NodeLost", "NodeShutdown", "Terminated", "Preempting", "Shutdown", "NodeAffinity"}
)


def problem_of(pod: dict[str, Any]) -> Problem | None:
    """What keeps a pod (a Kubernetes object) from serving, `None` if nothing is known to."""
    status = pod.get("status", {})
    spec = pod.get("spec", {})
    if _is_disrupted(status):
        return _lost(status, "DisruptionTarget")
    if status.get("reason") in _STOPPED_BY_NODE:
        return _lost(status, status["reason"])
    stopped = status.get("phase") in ("Failed", "Succeeded")
    if stopped or spec.get("restartPolicy") == "Never":
        ended = [each for each in _containers(status, init=stopped) if _end_of(each)]
        if ended:
            return _terminated(min(ended, key=_blame))
    if stopped:
        return _stopped_without_container(status)
    for container in _containers(status, init=True):
        waiting = container.get("state", {}).get("waiting", {})
        if waiting.get("reason", "") not in _NOT_A_PROBLEM:
            return _waiting(container, waiting)
    return _unscheduled(status)


def excerpt(text: str) -> str:
    """The last `MAX_MESSAGE_BYTES` of a text, whole characters only."""
    return text.strip().encode()[-MAX_MESSAGE_BYTES:].decode(errors="ignore")


def _containers(status: dict[str, Any], *, init: bool) -> Iterator[dict[str, Any]]:
    yield from status.get("containerStatuses", [])
    if init:
        for container in status.get("initContainerStatuses", []):
            # An init container that has done its work is no problem.
            if _end_of(container).get("exitCode") != 0:
                yield container


def _end_of(container: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = container.get("state", {}).get("terminated", {})
    return found


def _blame(container: dict[str, Any]) -> tuple[bool, str]:
    """Of several containers that stopped, the least is to blame: one that failed, the first of
    them. What stands behind it was stopped because of it."""
    end = _end_of(container)
    return end.get("exitCode") == 0, end.get("finishedAt") or "9999"


def _is_disrupted(status: dict[str, Any]) -> bool:
    return any(
        condition.get("type") == "DisruptionTarget" and condition.get("status") == "True"
        for condition in status.get("conditions", [])
    )


def _lost(status: dict[str, Any], reason: str) -> Problem:
    words = status.get("message") or "The pod was taken from its node."
    return Problem(Outlook.LOST, reason, excerpt(words))


def _terminated(container: dict[str, Any]) -> Problem:
    name, end = container["name"], _end_of(container)
    reason = end.get("reason") or "Error"
    words = f"Container {name} stopped with exit code {end.get('exitCode', '?')} ({reason})."
    said = _last_words(end)
    # A container that was not there when the node looked fell with its node, not by itself.
    outlook = Outlook.LOST if reason == "ContainerStatusUnknown" else Outlook.STOPPED
    finished = end.get("finishedAt")
    return Problem(
        outlook,
        "ContainerStopped" if reason == "Completed" else reason,
        words + said,
        "" if said else name,
        parse_instant(finished) if finished else None,
    )


def _stopped_without_container(status: dict[str, Any]) -> Problem:
    reason = status.get("reason") or "PodStopped"
    return Problem(Outlook.STOPPED, reason, excerpt(status.get("message") or "The pod stopped."))


def _waiting(container: dict[str, Any], waiting: dict[str, Any]) -> Problem:
    reason = waiting["reason"]
    words = f"Container {container['name']} cannot start: {waiting.get('message') or reason}"
    outlook = Outlook.HOPELESS if reason in _HOPELESS else Outlook.IMPATIENT
    before = container.get("lastState", {}).get("terminated", {})  # where kubelet restarts it
    said = _last_words(before)
    tells_more = container["name"] if before and not said else ""
    return Problem(outlook, reason, excerpt(words) + said, tells_more)


def _last_words(end: dict[str, Any]) -> str:
    said = excerpt(end.get("message", ""))
    return f" Its last words: {said}" if said else ""


def _unscheduled(status: dict[str, Any]) -> Problem | None:
    for condition in status.get("conditions", []):
        if condition.get("type") == "PodScheduled" and condition.get("status") == "False":
            words = f"The pod cannot be scheduled: {condition.get('message', '')}"
            reason = condition.get("reason") or "Unschedulable"
            return Problem(Outlook.WAITING, reason, excerpt(words))
    return None
