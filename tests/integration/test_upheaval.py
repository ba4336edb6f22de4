"""Fifty people play on while nodes are drained, operators killed and paused, the API server
restarted and etcd stopped: `tests/integration/upheaval`, once."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cluster.errors import PrerequisiteError
from tests.integration.upheaval.run import Plan, run

pytestmark = pytest.mark.integration


async def test_nobody_loses_a_session_to_an_upheaval(tmp_path: Path) -> None:
    """None is lost, ended early or late, or leaked; nobody meets another's pod; two operators never
    act at once. What a user may be told at worst is that a new session has to wait."""
    try:
        report = await run(tmp_path, Plan())
    except PrerequisiteError as error:
        pytest.skip(f"no control plane: {error}")
    print(report)
    assert not any(report.faults.values()), report
    # Otherwise it says little.
    figures = report.figures
    assert isinstance(figures["sessions"], int) and figures["sessions"] > 100
    killed = figures["leaders killed or paused"]
    assert isinstance(killed, int) and killed >= 8
