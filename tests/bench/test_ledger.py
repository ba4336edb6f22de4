"""Writes are told apart by who wrote what, and Events and the like are counted apart."""

from __future__ import annotations

import pytest

from tests.bench.ledger import Write, writes

METRICS = """
# TYPE gamesession_api_writes_total counter
gamesession_api_writes_total{code="200",component="operator",resource="pods",verb="patch"} 3.0
gamesession_api_writes_total{code="409",component="operator",resource="pods",verb="patch"} 1.0
gamesession_api_writes_total{code="201",component="gateway",resource="events",verb="create"} 2.0
# TYPE gamesession_api_writes_created gauge
gamesession_api_writes_created{code="200",component="operator",resource="pods",verb="patch"} 1e9
# TYPE gamesession_leader gauge
gamesession_leader 1.0
"""


def test_writes_are_counted_whatever_was_answered() -> None:
    assert writes(METRICS) == {
        Write("operator", "patch", "pods"): 4,
        Write("gateway", "create", "events"): 2,
    }


@pytest.mark.parametrize(
    ("resource", "counts"),
    [("pods", True), ("gamesessions/status", True), ("events", False), ("games/status", False)],
)
def test_what_is_promised_of_a_life_leaves_out_events_and_the_games_status(
    resource: str, counts: bool
) -> None:
    assert Write("operator", "patch", resource).counts is counts
