"""What tests of several kinds share: the control plane, a connection to it, a namespace.

A test that cannot run on this machine is skipped, and the end of the run says so in plain words;
with `CI=true` it fails instead.
"""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import AsyncIterator, Generator, Iterator
from pathlib import Path

import pytest

from gamesession.kube import connection
from gamesession.kube.cluster import Cluster
from gamesession.kube.resources import Resource
from tests.cluster.controlplane import ControlPlane
from tests.cluster.errors import PrerequisiteError

ROOT = Path(__file__).parent.parent
NAMESPACES = Resource("", "v1", "namespaces", "Namespace")
IN_CI = os.environ.get("CI") == "true"


@pytest.fixture(scope="session")
def control_plane() -> Iterator[ControlPlane]:
    """A Kubernetes control plane of the tests' own, with kwok's fake node and our CRDs."""
    with contextlib.ExitStack() as stack:
        try:
            plane = stack.enter_context(ControlPlane(crds=ROOT / "crds", kwok=True, scheduler=True))
        except PrerequisiteError as error:
            pytest.skip(f"no control plane: {error}")
        yield plane


@pytest.fixture
async def cluster(control_plane: ControlPlane) -> AsyncIterator[Cluster]:
    """A connection to the control plane, as administrator."""
    async with Cluster(await connection.load(control_plane.kubeconfig), "test") as connected:
        yield connected


@pytest.fixture
async def namespace(cluster: Cluster) -> str:
    """A namespace of the test's own. It is left to the end of the control plane."""
    name = f"test-{secrets.token_hex(4)}"
    await cluster.create(NAMESPACES, None, {"metadata": {"name": name}})
    return name


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """In CI a skip is a failure: what needs the real cluster runs there too."""
    report = yield
    if IN_CI and report.skipped and not hasattr(report, "wasxfail"):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
        report.outcome = "failed"
        report.longrepr = f"skipped, which CI does not allow: {reason}"
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say what was not run, and why, where nobody can overlook it."""
    skipped = terminalreporter.stats.get("skipped", [])
    if not skipped:
        return
    reasons: dict[str, int] = {}
    for report in skipped:
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        reasons[reason] = reasons.get(reason, 0) + 1
    terminalreporter.section("NOT RUN HERE", sep="!", yellow=True, bold=True)
    for reason, count in reasons.items():
        terminalreporter.line(f"{count} tests: {reason.removeprefix('Skipped: ')}", yellow=True)
