"""A mock API server (kmock), and a connection to it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import kmock as km
import pytest
from kubernetes.aio.client import Configuration

from gamesession.kube.cluster import Cluster


@pytest.fixture
def kmock_options() -> dict[str, Any]:
    """Kubernetes' errors and paths, but no objects: each test says what is answered."""
    return {"cls": km.KubernetesScaffold}


@pytest.fixture
async def cluster(kmock: km.KubernetesScaffold) -> AsyncIterator[Cluster]:
    """A connection as the operator has it."""
    configuration = Configuration()
    configuration.host = str(kmock.url).rstrip("/")
    async with Cluster(configuration, "operator") as found:
        yield found
