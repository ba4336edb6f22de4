"""Helm, for all tests here."""

from __future__ import annotations

import pytest

from tests.cluster.binaries import HELM
from tests.cluster.errors import PrerequisiteError


@pytest.fixture(scope="session", autouse=True)
def helm_is_there() -> None:
    """Built now, if need be: else the first test would seem to take minutes."""
    try:
        HELM.directory()
    except PrerequisiteError as error:
        pytest.skip(f"no Helm: {error}")
