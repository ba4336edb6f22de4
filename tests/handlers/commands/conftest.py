"""A desk for every test."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from tests.handlers.commands.desk import Desk


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    """With one Game, `chess`."""
    async with Desk(tmp_path) as found:
        found.add_game()
        yield found


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """No log lines among what is printed, as when a command runs."""
    with capture_logs():
        yield
