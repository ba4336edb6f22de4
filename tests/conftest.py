"""What tests of several kinds share: the control plane, a connection to it, a namespace."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from gamesession.kube import connection
from gamesession.kube.cluster import Cluster
from gamesession.kube.resources import Resource
from tests.cluster.controlplane import ControlPlane

ROOT = Path(__file__).parent.parent
NAMESPACES = Resource("", "v1", "namespaces", "Namespace")


@pytest.fixture(scope="session")
def control_plane() -> Iterator[ControlPlane]:
    """A Kubernetes control plane of the tests' own, with kwok's fake node and our CRDs."""
    with ControlPlane(crds=ROOT / "crds", kwok=True, scheduler=True) as plane:
        yield plane


@pytest.fixture
async def cluster(control_plane: ControlPlane) -> AsyncIterator[Cluster]:
    """A connection to the control plane, as administrator."""
    async with Cluster(await connection.load(control_plane.kubeconfig), "test") as connected:
        yield connected


@pytest.fixture
async def namespace(cluster: Cluster) -> AsyncIterator[str]:
    """A namespace of the test's own. It is left to the end of the control plane."""
    name = f"test-{secrets.token_hex(4)}"
    await cluster.create(NAMESPACES, None, {"metadata": {"name": name}})
    yield name
