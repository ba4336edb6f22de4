"""A stage for every test of the SDK."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import structlog

from tests.handlers.sdk.stage import Stage


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    """An API server with one Game, `chess`."""
    async with Stage(tmp_path) as found:
        yield found


@pytest.fixture(autouse=True)
def log_of_a_process_of_its_own() -> Iterator[None]:
    """The SDK sets up the log of a process once: other tests are not to inherit that."""
    yield
    structlog.reset_defaults()
