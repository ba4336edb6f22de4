"""Debian's Chromium, for what only a real browser shows."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from playwright.async_api import Browser, async_playwright

from tests.cluster import prerequisites
from tests.cluster.errors import ClusterError


@asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    """A browser without windows; the test is skipped where none can be had."""
    try:
        prerequisites.obtain("chromium", prerequisites.CHINESE_FONT)
    except ClusterError as error:
        pytest.skip(f"no browser: {error}")
    async with async_playwright() as playwright:
        # As root there is no sandbox, and in containers little shared memory.
        found = await playwright.chromium.launch(
            executable_path=prerequisites.find("chromium"),
            args=["--no-sandbox", "--disable-dev-shm-usage"],
        )
        yield found
        await found.close()
