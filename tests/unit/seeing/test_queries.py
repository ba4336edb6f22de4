"""No query speaks of what is not there: a metric that was renamed would leave a panel empty and an
alert silent, and nobody would notice."""

from __future__ import annotations

import pytest

from tests.unit.seeing.queries import (
    Query,
    dashboard,
    dashboard_queries,
    filled_in,
    guide_queries,
    known,
    rule_queries,
    unknown,
)

QUERIES = [*dashboard_queries(), *rule_queries(), *guide_queries()]
VARIABLES = [
    Query(f"variable {each['name']}", each["query"]["query"])
    for each in dashboard()["templating"]["list"]
    if each["type"] == "query"
]


@pytest.mark.parametrize("query", QUERIES, ids=str)
def test_metrics_and_labels_are_there(query: Query) -> None:
    assert list(unknown(query.text)) == []


@pytest.mark.parametrize("query", VARIABLES, ids=str)
def test_variables_take_their_values_from_what_is_there(query: Query) -> None:
    selector, _, label = query.text.removeprefix("label_values(").rstrip(")").rpartition(", ")
    assert list(unknown(f"count by ({label}) ({filled_in(selector)})")) == []


def test_every_metric_of_ours_is_shown_somewhere() -> None:
    text = " ".join(query.text for query in dashboard_queries())
    ours = {name.removesuffix("_count") for name in known() if name.startswith("gamesession_")}
    families = {name.removesuffix("_bucket").removesuffix("_sum") for name in ours}
    assert {name for name in families if name not in text} == set()


@pytest.mark.parametrize(
    ("text", "missing"),
    [
        ("gamesession_sessionz", ["metric gamesession_sessionz"]),
        ("gamesession_ended", ["metric gamesession_ended"]),
        ("rate(gamesession_start_seconds[5m])", ["metric gamesession_start_seconds"]),
        ('gamesession_sessions{state="Ready"}', ["label state of gamesession_sessions"]),
        ('gamesession_leader{game="x"}', ["label game of gamesession_leader"]),
        ("sum by (user) (gamesession_sessions)", ["label user"]),
        ("sum by (le) (gamesession_start_seconds_count)", ["label le"]),
        ("gamesession_leader * on (node) gamesession_leader", ["label node"]),
        ("gamesession_leader * on (pod) group_left (x) gamesession_leader", ["label x"]),
        ("max_over_time(nothing[1h:5m]) > 1", ["metric nothing"]),
        ('absent({pod="x"})', ["metric None"]),
        ("sum by (pod, le) (rate(gamesession_start_seconds_bucket[5m]))", []),
        ("process_start_time_seconds", []),
    ],
)
def test_what_is_not_there_is_found(text: str, missing: list[str]) -> None:
    assert list(unknown(text)) == missing
