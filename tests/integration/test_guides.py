"""The guides' blocks do what the guides say, on a real API server, beside operator and gateway."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from gamesession.kube.cluster import Cluster
from gamesession.kube.errors import ApiError
from tests.cluster.controlplane import ControlPlane
from tests.conftest import NAMESPACES, ROOT
from tests.guides.catalogue import ON_CONTROL_PLANE
from tests.guides.guide import blocks
from tests.guides.walk import Walk
from tests.handlers.gateway.stage import AUDIENCE, SECRET
from tests.integration.command import BIN
from tests.integration.gateway_process import GatewayProcess
from tests.integration.operator_process import OperatorProcess

pytestmark = pytest.mark.integration

GAMES = "games"
"""The namespace that guides use."""
ISSUER = "gamesession"
"""The issuer of tokens in the chart's own values."""


@pytest.fixture
async def games(cluster: Cluster, control_plane: ControlPlane) -> AsyncIterator[None]:
    """The guides' namespace, empty before and after."""
    try:
        await cluster.create(NAMESPACES, None, {"metadata": {"name": GAMES}})
    except ApiError as error:
        assert error.status == 409
    yield
    kinds = "games,gamesessions,resourcequotas,events"
    control_plane.kubectl("-n", GAMES, "delete", kinds, "--all", "--timeout=60s")


@pytest.fixture
def guided_operator(
    control_plane: ControlPlane, games: None, tmp_path: Path
) -> Iterator[OperatorProcess]:
    """The operator of the guides' namespace."""
    process = OperatorProcess(control_plane.kubeconfig, GAMES, tmp_path / "operator.log")
    process.start()
    yield process
    # The namespace is emptied before the operator goes, for it holds a finalizer on Games.
    control_plane.kubectl("-n", GAMES, "delete", "games", "--all", "--timeout=60s")
    process.kill()
    assert process.bugs() == []


@pytest.fixture
def guided_gateway(
    control_plane: ControlPlane, games: None, tmp_path: Path
) -> Iterator[GatewayProcess]:
    """The gateway of the guides' namespace."""
    log = tmp_path / "gateway.log"
    issuer = {"GAMESESSION_JWT_ISSUER": ISSUER}
    process = GatewayProcess(control_plane.kubeconfig, GAMES, log, **issuer)
    process.start()
    yield process
    process.kill()
    assert process.bugs() == []


@pytest.mark.parametrize("guide", ON_CONTROL_PLANE)
async def test_a_guides_blocks_do_what_it_says(
    guide: str,
    control_plane: ControlPlane,
    guided_operator: OperatorProcess,
    guided_gateway: GatewayProcess,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    await guided_operator.ready()
    await guided_gateway.ready()
    terminal = environment(control_plane, guided_gateway.url)
    # For what a guide does in Python, which is done in this process.
    monkeypatch.setenv("GAMESESSION_KUBECONFIG", str(control_plane.kubeconfig))
    here = [block for block in blocks(ROOT / guide) if not block.needs_node]
    desk = tmp_path / "desk"
    desk.mkdir()
    async with Walk(desk, terminal, writes="WRITE_GUIDES" in os.environ) as walk:
        assert await walk.through(here) > 0


def environment(plane: ControlPlane, gateway: str) -> dict[str, str]:
    """What a reader's terminal has: kubectl and gamesession, the cluster, the gateway's address."""
    return {
        **os.environ,
        "PATH": f"{plane.site.programs}:{BIN}:{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT / "operator"),
        "KUBECONFIG": str(plane.kubeconfig),
        "GATEWAY": gateway,
        "GAMESESSION_JWT_SECRET": SECRET,
        "GAMESESSION_JWT_ISSUER": ISSUER,
        "GAMESESSION_JWT_AUDIENCE": AUDIENCE,
        "NO_PROXY": "*",
        "TERM": "dumb",
    }
