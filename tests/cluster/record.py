"""Which process is the cluster of this machine, and whose it is."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from tests.cluster import cache
from tests.cluster.process import Process

DIRECTORY = Path("/run/gamesession-cluster")
# Never removed: those who wait for it would hold another lock than those who come after.
LOCK = Path("/run/gamesession-cluster.lock")


@dataclass(frozen=True)
class Record:
    """What was written down when the cluster was started.

    Attributes:
        pid: of the process that holds its namespaces.
        started: when that process started, see `Process`.
        checkout: the folder it was started from.
        key: what it was started as; another key needs another start.
    """

    pid: int
    started: int
    checkout: str
    key: str

    @classmethod
    def load(cls) -> Record | None:
        """What is written down, or `None` if there is no cluster."""
        try:
            written = json.loads((DIRECTORY / "record.json").read_text())
        except FileNotFoundError:
            return None
        # Another checkout's code may write more.
        return cls(**{field.name: written[field.name] for field in fields(cls)})

    def save(self) -> None:
        """Writes it down."""
        unfinished = DIRECTORY / "record.json.new"
        unfinished.write_text(json.dumps(asdict(self), indent=2) + "\n")
        unfinished.rename(DIRECTORY / "record.json")

    @property
    def process(self) -> Process:
        """The process that holds the cluster's namespaces."""
        return Process(self.pid, self.started)


@contextmanager
def alone() -> Iterator[None]:
    """No other process of the machine starts or stops the cluster meanwhile."""
    waiting = "waiting for another process that starts or stops the cluster ..."
    with cache.lock(LOCK, waiting):
        DIRECTORY.mkdir(exist_ok=True)
        yield


def forget() -> None:
    """Removes what is written down; only while `alone()`."""
    shutil.rmtree(DIRECTORY, ignore_errors=True)
