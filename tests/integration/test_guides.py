"""The guides' blocks do what the guides say, on a real API server, beside operator and gateway."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cluster.controlplane import ControlPlane
from tests.cluster.errors import PrerequisiteError
from tests.guides.catalogue import ON_CONTROL_PLANE
from tests.guides.guide import ROOT, blocks
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


@pytest.fixture(scope="module")
def plane() -> Iterator[ControlPlane]:
    """A control plane of the guides' own: in the one that tests share, other tests install things
    in the same namespace."""
    with contextlib.ExitStack() as stack:
        try:
            found = stack.enter_context(ControlPlane(crds=ROOT / "crds"))
        except PrerequisiteError as error:
            pytest.skip(f"no control plane: {error}")
        found.api.post("/api/v1/namespaces", {"metadata": {"name": GAMES}})
        yield found


@pytest.fixture
def games(plane: ControlPlane) -> Iterator[None]:
    """The guides' namespace, empty afterwards."""
    yield
    kinds = "games,gamesessions,resourcequotas,events"
    plane.kubectl("-n", GAMES, "delete", kinds, "--all", "--timeout=60s")


@pytest.fixture
def guided_operator(plane: ControlPlane, games: None, tmp_path: Path) -> Iterator[OperatorProcess]:
    """The operator of the guides' namespace."""
    process = OperatorProcess(plane.kubeconfig, GAMES, tmp_path / "operator.log")
    process.start()
    yield process
    # The namespace is emptied before the operator goes, for it holds a finalizer on Games.
    plane.kubectl("-n", GAMES, "delete", "games", "--all", "--timeout=60s")
    process.kill()
    assert process.bugs() == []


@pytest.fixture
def guided_gateway(plane: ControlPlane, games: None, tmp_path: Path) -> Iterator[GatewayProcess]:
    """The gateway of the guides' namespace."""
    log = tmp_path / "gateway.log"
    issuer = {"GAMESESSION_JWT_ISSUER": ISSUER}
    process = GatewayProcess(plane.kubeconfig, GAMES, log, **issuer)
    process.start()
    yield process
    process.kill()
    assert process.bugs() == []


@pytest.mark.parametrize("guide", ON_CONTROL_PLANE)
async def test_a_guides_blocks_do_what_it_says(
    guide: str,
    plane: ControlPlane,
    guided_operator: OperatorProcess,
    guided_gateway: GatewayProcess,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    await guided_operator.ready()
    await guided_gateway.ready()
    terminal = environment(plane, guided_gateway.url)
    # For what a guide does in Python, which is done in this process.
    monkeypatch.setenv("GAMESESSION_KUBECONFIG", str(plane.kubeconfig))
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
