"""What the API server's own log says of the operators' writes: who led when, and who wrote when."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any, Final, Self

from gamesession.api.instant import parse_instant

WRITES: Final = ["create", "update", "patch", "delete"]


@dataclass(frozen=True)
class Write:
    """One write that had an answer.

    Attributes:
        by: whose it was.
        came, done: when the API server got it, and when it had its answer.
    """

    by: str
    what: str
    code: int
    came: datetime
    done: datetime

    @classmethod
    def of(cls, event: dict[str, Any]) -> Self:
        """What an event of the log tells."""
        of = event["objectRef"]
        return cls(
            event["user"]["username"],
            f"{event['verb']} {of['resource']} {of.get('name', '')}",
            event["responseStatus"]["code"],
            parse_instant(event["requestReceivedTimestamp"]),
            parse_instant(event["stageTimestamp"]),
        )

    @property
    def leads(self) -> bool:
        """Whether it took the Lease or renewed it."""
        return " leases " in self.what and self.code < 300


class Audit:
    """The API server's log of the writes of some users.

    Args:
        directory: where policy and log lie.
    """

    def __init__(self, directory: Path, users: Iterable[str]) -> None:
        self._log = directory / "audit.log"
        self._policy = directory / "audit-policy.json"
        rules = [
            {"level": "Metadata", "users": list(users), "verbs": WRITES},
            {"level": "None"},
        ]
        policy = {
            "apiVersion": "audit.k8s.io/v1",
            "kind": "Policy",
            "omitStages": ["RequestReceived"],
            "rules": rules,
        }
        self._policy.write_text(json.dumps(policy))

    @property
    def arguments(self) -> tuple[str, ...]:
        """For the API server."""
        return f"--audit-policy-file={self._policy}", f"--audit-log-path={self._log}"

    def writes(self) -> list[Write]:
        """All of them, as they came."""
        found = [Write.of(json.loads(line)) for line in _whole_lines(self._log)]
        return sorted(found, key=lambda write: write.came)


def two_at_once(writes: Iterable[Write]) -> list[str]:
    """Writes that came when another had the Lease already."""
    found, holder = [], ""
    for write in writes:
        if write.leads:
            holder = write.by
        elif " leases " not in write.what and write.by != holder:
            found.append(f"{write.came:%T.%f} {write.what} by {write.by}, while {holder} led")
    return found


def handovers(writes: Iterable[Write]) -> int:
    """How often another one led than before."""
    holders = [each.by for each in writes if each.leads]
    return sum(one != other for one, other in pairwise(holders))


def seconds_without(writes: Iterable[Write], since: Iterable[datetime]) -> list[float]:
    """How long nobody led from each of these times on, in seconds."""
    renewed = sorted(each.done for each in writes if each.leads)
    return [
        (then - moment) / timedelta(seconds=1)
        for moment in since
        if (then := next((each for each in renewed if each > moment), None)) is not None
    ]


def _whole_lines(log: Path) -> Iterator[str]:
    """Who was killed may have left half a line."""
    for line in log.read_text().splitlines():
        if line.startswith("{") and line.endswith("}"):
            yield line
