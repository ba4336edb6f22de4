"""Of which starts there is an Event."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any, cast

import pytest

from gamesession.controller.announce import Announcer
from gamesession.plan.session import Session
from tests.unit.plan.objects import session


class Cluster:
    """Notes what is created."""

    def __init__(self) -> None:
        self.created: list[Any] = []

    async def create(self, resource: object, namespace: str, body: Any) -> None:
        self.created.append(body)


@pytest.mark.parametrize(
    ("kind", "is_first", "events"),
    [("Cold", True, ["Ready"]), ("Warm", True, []), ("Warm", False, ["Ready"])],
)
async def test_a_first_warm_start_costs_no_event(
    kind: str, is_first: bool, events: list[str]
) -> None:
    cluster = Cluster()
    before = Session.from_object(session())
    if not is_first:
        before = replace(before, ready_at=before.created_at)
    answer = {"status": {"startKind": kind, "podName": "p"}}
    Announcer(cast(Any, cluster)).ready(before, answer)
    await asyncio.gather(*asyncio.all_tasks() - {asyncio.current_task()})
    assert [event["reason"] for event in cluster.created] == events
