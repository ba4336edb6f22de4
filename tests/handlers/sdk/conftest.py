"""A stage for every test of the SDK."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.handlers.sdk.stage import Stage


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    """An API server with one Game, `chess`."""
    async with Stage(tmp_path) as found:
        yield found
