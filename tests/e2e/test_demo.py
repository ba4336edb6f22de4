"""`make demo`, as a newcomer meets it."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from demo.target import ROOT
from tests.e2e.stack import Stack

pytestmark = pytest.mark.e2e

SAYS = [
    "Operator, gateway and Redis run.",
    "alice: 'What will today bring?' (cold)",
    "Welcome, alice: this is your first conversation.",
    "alice: 'And tomorrow?' (reused)",
    "game.gamelibrary.io/fortune-game patched",
    "condition met",
    "bob: 'Hello?' (warm)",
    "alice and bob have a pod each",
    "s cold and 0.",
    "kubectl -n games get gamesessions,pods",
    '"has_session": true',
    "A token signed with another key: 401",
    "Both sessions and both pods are gone by idling.",
    "No activity for 10s.",
    "past_conversations",
    "alice: 'Do you remember me?' (warm)",
    "Welcome back, alice: this is your 2nd conversation.",
    "A new life: session_id alice_fortune-game_",
    "The cluster stays up",
    "All of it happened",
]
"""What stands in the story, in this order."""


def run(stack: Stack, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The demo, with kubectl and a kubeconfig as its own last lines tell one to set them."""
    kubeconfig = stack.target.machine.kubeconfig
    environment = os.environ | {
        "KUBECONFIG": str(kubeconfig),
        "PATH": f"{kubeconfig.parent / 'bin'}{os.pathsep}{os.environ['PATH']}",
    }
    return subprocess.run(
        [sys.executable, "-m", "demo", *arguments],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def test_the_demo_tells_its_story_to_the_end(stack: Stack) -> None:
    """Every step happened, in order, and the cluster is there for a look around."""
    ended = run(stack)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    rest = ended.stdout
    for words in SAYS:
        _, found, rest = rest.partition(words)
        assert found, f"{words!r} does not stand where it should in:\n{ended.stdout}"
    assert "make cluster-down" in ended.stdout


def test_a_cluster_of_ones_own_is_the_one_that_is_named(stack: Stack) -> None:
    """An unknown context ends the demo with a reason, and touches no cluster."""
    before = stack.versions()
    ended = run(stack, "--context", "nowhere")
    assert ended.returncode == 1
    assert "nowhere" in ended.stdout
    assert "did not get through" in ended.stdout
    assert stack.versions() == before
