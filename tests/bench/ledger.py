"""Who wrote what to the API server, from the metrics that count it."""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple

from prometheus_client.parser import text_string_to_metric_families

METRIC = "gamesession_api_writes"
COUNTED_APART = ("events", "games", "games/status", "leases")
"""What is written about many sessions at once, or for people."""


class Write(NamedTuple):
    """A kind of write."""

    component: str
    verb: str
    resource: str

    @property
    def counts(self) -> bool:
        """Whether it is one of those that a session's life is promised to take at most."""
        return self.resource not in COUNTED_APART

    def __str__(self) -> str:
        return f"{self.component}: {self.verb} {self.resource}"


def writes(metrics: str) -> Counter[Write]:
    """How many there were of each kind, whatever was answered.

    Args:
        metrics: as Prometheus reads them.
    """
    found: Counter[Write] = Counter()
    for family in text_string_to_metric_families(metrics):
        for sample in family.samples if family.name == METRIC else ():
            if sample.name.endswith("_total"):
                labels = sample.labels
                kind = Write(labels["component"], labels["verb"], labels["resource"])
                found[kind] += int(sample.value)
    return found
