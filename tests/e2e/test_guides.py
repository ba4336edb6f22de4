"""The guides' blocks that need real containers: the whole of docs/install.md, from an empty
cluster, and of the others what only real pods show."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from demo.install import RELEASE
from demo.target import GAMES, ROOT, SYSTEM, OwnMachine
from tests.cluster.errors import ClusterError
from tests.cluster.waiting import wait_for
from tests.e2e.stack import Stack
from tests.guides.catalogue import ON_CONTROL_PLANE
from tests.guides.guide import blocks
from tests.guides.walk import Walk
from tests.integration.command import BIN

pytestmark = pytest.mark.e2e

PATIENCE = 900.0
"""Seconds for one command: the first ones build a cluster's images."""
NEEDING_NODE = [
    guide for guide in ON_CONTROL_PLANE if any(block.needs_node for block in blocks(ROOT / guide))
]
"""Guides some of whose blocks need real containers."""
BROKEN = ("crash", "absent", "keyless", "silent")
"""Games of tests/guides/given/broken.sh."""


def remove_all(target: OwnMachine) -> None:
    """Leave a cluster as the guide's reader has it: without anything of ours."""
    flags = ("--namespace", SYSTEM, "--ignore-not-found", "--wait", "--timeout=180s")
    target.helm("uninstall", RELEASE, *flags)
    there = ("--ignore-not-found", "--timeout=120s")
    target.kubectl("delete", "namespace", GAMES, SYSTEM, *there)
    target.kubectl("delete", "crd", "games.gamelibrary.io", "gamesessions.gamelibrary.io", *there)


@pytest.fixture
def empty_cluster() -> Iterator[OwnMachine]:
    """This machine's cluster, without anything of ours before and after."""
    try:
        target = OwnMachine()
    except ClusterError as error:
        pytest.skip(f"no cluster: {error}")
    remove_all(target)
    yield target
    remove_all(target)


@asynccontextmanager
async def reader(desk: Path, **environment: str) -> AsyncIterator[Walk]:
    """Somebody who goes through a guide."""
    mine = {key: value for key, value in os.environ.items() if key != "KUBECONFIG"}
    walk = Walk(
        desk,
        {**mine, "NO_PROXY": "*", "TERM": "dumb", **environment},
        patience=PATIENCE,
        writes="WRITE_GUIDES" in os.environ,
    )
    async with walk:
        yield walk


@pytest.mark.empty_cluster
async def test_a_newcomer_gets_the_game_by_the_install_guide(empty_cluster: OwnMachine) -> None:
    async with reader(ROOT) as walk:
        assert await walk.through(blocks(ROOT / "docs/install.md")) > 5
    left = empty_cluster.kubectl("get", "namespaces", "-o", "name")
    assert f"namespace/{SYSTEM}" not in left.split()


@pytest.fixture
def settled(stack: Stack) -> Iterator[None]:
    """No pod of operator or gateway is on its way out, as it is where readers look: `kubectl logs`
    of a Deployment fails where one goes meanwhile. What guides make is gone afterwards."""
    wait_for(
        lambda: (
            not any("deletionTimestamp" in pod["metadata"] for pod in stack.objects("pods", SYSTEM))
        ),
        PATIENCE,
        "the pods of the settings before to be gone",
    )
    yield
    stack.kubectl("-n", GAMES, "delete", "games", *BROKEN, "--ignore-not-found", "--timeout=60s")


@pytest.mark.parametrize("guide", NEEDING_NODE)
async def test_a_guide_shows_what_real_pods_do(
    guide: str, stack: Stack, settled: None, tmp_path: Path
) -> None:
    kubeconfig = stack.target.machine.kubeconfig
    path = f"{kubeconfig.parent / 'bin'}:{BIN}:{os.environ['PATH']}"
    here = [block for block in blocks(ROOT / guide) if block.needs_node]
    async with reader(tmp_path, KUBECONFIG=str(kubeconfig), PATH=path) as walk:
        assert await walk.through(here) > 3
