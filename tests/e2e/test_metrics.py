"""Prometheus beside the running demo: the dashboard and the alerts on real pods."""

from __future__ import annotations

from pathlib import Path

import pytest

from demo.target import SYSTEM
from tests.e2e.arcade import Arcade
from tests.e2e.stack import Stack, name_of
from tests.eventually import eventually
from tests.integration.prometheus import Prometheus
from tests.unit.seeing.queries import dashboard_queries, rule_queries

pytestmark = pytest.mark.e2e

QUIET = ("Starts that found the pool empty", "Errors by code", "Fallback")
"""Panels that show nothing while nothing is wrong."""


def targets(stack: Stack) -> dict[str, dict[str, str]]:
    """The pods of operator and gateway, as the chart's ServiceMonitor names their jobs."""
    found: dict[str, dict[str, str]] = {}
    for pod in stack.objects("pods", SYSTEM):
        if "deletionTimestamp" not in pod["metadata"]:
            component = pod["metadata"]["labels"]["app.kubernetes.io/name"]
            address = f"{pod['status']['podIP']}:9090"
            found.setdefault(f"{component}-metrics", {})[name_of(pod)] = address
    return found


async def test_the_dashboard_shows_what_is_played(
    stack: Stack, arcade: Arcade, tmp_path: Path
) -> None:
    """Every query and every rule is one that Prometheus takes, and all that has to do with users
    who play finds something."""
    games = [await arcade.open(), await arcade.open(warmPool={"size": 1})]
    users = [arcade.user("alice", game) for game in games]
    queries = [
        query
        for query in dashboard_queries(namespace=SYSTEM)
        if not any(panel in query.where for panel in QUIET)
    ]
    async with Prometheus(tmp_path, targets(stack)) as prometheus:

        async def shown() -> bool:
            for user in users:
                await user.get_patiently()
                await user.get()
                await user.post("/session/close")
            empty = [each.where for each in queries if not await prometheus.ask(each.text)]
            assert empty == [], "\n".join(empty)
            return True

        await eventually(shown, every=0.5)
        for query in rule_queries():
            await prometheus.ask(query.text)
        rules = await prometheus.rules()
        assert set(rules.values()) == {("ok", "")}, rules
