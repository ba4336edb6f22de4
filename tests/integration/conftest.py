"""The real operator beside the tests, and the namespace that both look at."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Generator, Iterator
from pathlib import Path

import pytest

from gamesession.kube.cluster import Cluster
from tests.cluster.controlplane import ControlPlane
from tests.faults.proxy import Proxy
from tests.integration.installation import install
from tests.integration.operator_process import OperatorProcess
from tests.integration.playground import Playground
from tests.integration.service_process import ServiceProcess

LOG_TAIL = 8000
"""Characters."""


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Beside a test that failed stands what its operators and gateways said last."""
    report = yield
    if report.failed:
        for name, process in getattr(item, "funcargs", {}).items():
            if isinstance(process, ServiceProcess):
                report.sections.append((f"log of {name}", process.tail(LOG_TAIL)))
    return report


@pytest.fixture(scope="session")
def installation(control_plane: ControlPlane) -> ControlPlane:
    """The control plane with our accounts, roles and policies, as an installation has them."""
    install(control_plane)
    return control_plane


@pytest.fixture(scope="module")
def shared_namespace(control_plane: ControlPlane) -> str:
    """A namespace for all tests of a module that get along in one."""
    name = f"test-{secrets.token_hex(4)}"
    control_plane.api.post("/api/v1/namespaces", {"metadata": {"name": name}})
    return name


@pytest.fixture(scope="module")
def shared_operator(
    control_plane: ControlPlane, shared_namespace: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[OperatorProcess]:
    """One operator for all tests of a module; none may disturb it."""
    log = tmp_path_factory.mktemp("operator") / "log"
    process = OperatorProcess(control_plane.kubeconfig, shared_namespace, log)
    process.start()
    yield process
    assert process.stop() == 0
    assert process.bugs() == []


@pytest.fixture
async def shared(
    cluster: Cluster, shared_namespace: str, shared_operator: OperatorProcess
) -> AsyncIterator[Playground]:
    """The namespace that the module's tests share, with an operator. Use your own Games there."""
    await shared_operator.ready()
    async with Playground(cluster, shared_namespace) as playground:
        yield playground


@pytest.fixture
async def playground(cluster: Cluster, namespace: str) -> AsyncIterator[Playground]:
    """A namespace of the test's own."""
    async with Playground(cluster, namespace) as found:
        yield found


@pytest.fixture
def operator(
    control_plane: ControlPlane, namespace: str, tmp_path: Path
) -> Iterator[OperatorProcess]:
    """An operator of the test's own for its namespace, to kill and start again. It runs."""
    process = OperatorProcess(control_plane.kubeconfig, namespace, tmp_path / "operator.log")
    process.start()
    yield process
    process.kill()
    assert process.bugs() == []


@pytest.fixture
async def proxy(control_plane: ControlPlane, tmp_path: Path) -> AsyncIterator[Proxy]:
    """A proxy before the API server, for an operator whose requests are to be seen or to fail."""
    async with Proxy(control_plane, tmp_path) as found:
        yield found


@pytest.fixture
def proxied_operator(proxy: Proxy, namespace: str, tmp_path: Path) -> Iterator[OperatorProcess]:
    """An operator that reaches the API server through the proxy. It is not started yet."""
    process = OperatorProcess(proxy.kubeconfig, namespace, tmp_path / "operator.log")
    yield process
    process.kill()
    assert process.bugs() == []
