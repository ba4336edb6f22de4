"""An API server by kmock, and the operator's parts beside it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.handlers.apiserver import ApiServer
from tests.handlers.scene import Scene


@pytest.fixture
def kmock_options() -> dict[str, Any]:
    """kmock's server is ours."""
    return {"cls": ApiServer}


@pytest.fixture
async def scene(kmock: ApiServer) -> AsyncIterator[Scene]:
    """The operator's parts, with nothing there yet."""
    async with Scene(kmock) as found:
        yield found
