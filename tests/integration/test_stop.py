"""The operator stopped in good order."""

from __future__ import annotations

import time

import pytest

from tests.integration.operator_process import OperatorProcess
from tests.integration.playground import Playground

pytestmark = pytest.mark.integration


async def test_sigterm_ends_the_operator_and_no_session(
    playground: Playground, operator: OperatorProcess
) -> None:
    """It ends with code 0, does not sit out kopf's five seconds for hung tasks, and its sessions
    go on as they are."""
    await operator.ready()
    await playground.create_game("chess")
    name = await playground.create_session("alice", "chess")
    before = await playground.until_phase(name, "Ready")
    asked = time.monotonic()
    assert operator.stop() == 0
    assert time.monotonic() - asked < 4.5
    assert playground.status(name) == before
    assert len(playground.living_pods_of(name)) == 1
