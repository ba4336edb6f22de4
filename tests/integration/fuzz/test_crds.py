"""Whatever Games and sessions people write: the operator lives, and what is sound is served.

`GAMESESSION_FUZZ=500` tells 500 stories in place of CI's few, others each time. The seed is
printed, and `GAMESESSION_FUZZ_SEED` repeats it.
"""

from __future__ import annotations

import os
import secrets
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from itertools import count
from typing import Final

import pytest
from hypothesis import HealthCheck, Phase, given, note, seed, settings
from hypothesis import strategies as st

from gamesession.kube.cluster import Cluster
from gamesession.kube.resources import SESSIONS
from tests.cluster.controlplane import ControlPlane
from tests.integration.fuzz.tale import TALES, Step
from tests.integration.fuzz.teller import tell_all
from tests.integration.operator_process import OperatorProcess
from tests.integration.playground import Playground

pytestmark = pytest.mark.integration

CONTROL: Final = "fuzz-control"
"""A Game, with a session after each story."""
EXAMPLES: Final = int(os.environ.get("GAMESESSION_FUZZ", "10"))
IN_CI: Final = "GAMESESSION_FUZZ" not in os.environ
SEED: Final = int(os.environ.get("GAMESESSION_FUZZ_SEED") or (0 if IN_CI else secrets.randbits(32)))
TOLD = count()
OUTCOMES: Counter[str] = Counter()

stories = settings(
    max_examples=EXAMPLES,
    deadline=None,
    database=None,
    # A story on a real API server takes seconds: shrinking it takes longer than reading it.
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
    print_blob=False,
)


@pytest.fixture(scope="module")
def operator(
    control_plane: ControlPlane, shared_namespace: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[OperatorProcess]:
    """One operator for all stories."""
    log = tmp_path_factory.mktemp("fuzz") / "operator.log"
    process = OperatorProcess(control_plane.kubeconfig, shared_namespace, log)
    process.start()
    yield process
    process.kill()
    print(
        f"seed {SEED}:", ", ".join(f"{number} {what}" for what, number in sorted(OUTCOMES.items()))
    )


@pytest.fixture
async def ground(
    cluster: Cluster, shared_namespace: str, operator: OperatorProcess
) -> AsyncIterator[Playground]:
    """Its namespace."""
    await operator.ready()
    async with Playground(cluster, shared_namespace) as found:
        await found.create_game(CONTROL)
        yield found


@seed(SEED)
@stories
@given(tales=st.lists(TALES, min_size=3, max_size=6))
async def test_the_operator_lives_and_serves_what_is_sound(
    ground: Playground, operator: OperatorProcess, tales: list[list[Step]]
) -> None:
    note(f"GAMESESSION_FUZZ={EXAMPLES} GAMESESSION_FUZZ_SEED={SEED}")
    pid = operator.pid
    await tell_all(ground, {f"tale-{next(TOLD)}": tale for tale in tales}, OUTCOMES)
    name = await ground.create_session("control", CONTROL)
    await ground.until_phase(name, "Ready")
    await ground.delete(SESSIONS, name)
    await ground.until_gone(name)
    assert operator.alive and operator.pid == pid
    assert operator.bugs() == []
    # Neither did it start over, nor was there an object that it could not read.
    assert not [line for line in operator.lines() if line["level"] in ("error", "critical")]
