"""The end of all of it, in a copy of the whole installation."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator
from typing import Any

import pytest

from demo.ending import uninstalling
from demo.target import GAMES, ROOT, SYSTEM
from gamesession.api.labels import API_VERSION
from tests.e2e.arcade import SERVICES, container, template
from tests.e2e.stack import Stack

pytestmark = pytest.mark.e2e

COPIED_GAMES, COPIED_SYSTEM = "e2e-copied-games", "e2e-copied-system"
INSTALL = ROOT / "manifests" / "install"


@pytest.fixture
def copy(stack: Stack) -> Iterator[None]:
    """Operator and gateway in namespaces of their own, and a session that runs."""
    remove(stack)
    stack.kubectl("apply", "-f", "-", stdin=copied((INSTALL / "namespaces.yaml").read_text()))
    secret = f"--from-literal=secret={stack.secret}"
    stack.kubectl(*("-n", COPIED_SYSTEM, "create", "secret", "generic", "gamesession-jwt", secret))
    for path in sorted(INSTALL.glob("*.yaml")):
        stack.kubectl("apply", "-f", "-", stdin=copied(path.read_text()))
    for component in ("operator", "gateway"):
        deployment = f"deployment/gamesession-{component}"
        stack.kubectl("-n", COPIED_SYSTEM, "rollout", "status", deployment, "--timeout=120s")
    objects = [game(), session()]
    stack.kubectl(
        "apply", "-f", "-", stdin=json.dumps({"kind": "List", "items": objects, "apiVersion": "v1"})
    )
    ready = ("wait", "--for=condition=Ready", "gamesession/alices", "--timeout=60s")
    stack.kubectl("-n", COPIED_GAMES, *ready)
    yield
    remove(stack)


def remove(stack: Stack) -> None:
    """End the copy by force, should it be there, or have got stuck."""
    for found in stack.objects("games", COPIED_GAMES):
        name, nothing = found["metadata"]["name"], '{"metadata":{"finalizers":null}}'
        stack.kubectl("-n", COPIED_GAMES, "patch", "game", name, "--type=merge", "-p", nothing)
    names = (COPIED_GAMES, COPIED_SYSTEM)
    stack.kubectl("delete", "namespace", *names, "--ignore-not-found", "--timeout=60s")


def test_nothing_gets_stuck(stack: Stack, copy: None) -> None:
    """The commands that the demo prints end all, in a matter of seconds."""
    for command in uninstalling("kubectl"):
        _, *arguments = shlex.split(copied(command))
        stack.kubectl(*arguments, "--timeout=60s")
    left = stack.kubectl("get", "namespaces", "-o", "name")
    assert COPIED_GAMES not in left
    assert COPIED_SYSTEM not in left
    assert f"namespace/{GAMES}\n" in left


def copied(text: str) -> str:
    """Manifests or commands, about the copy's namespaces."""
    text = text.replace(SYSTEM, COPIED_SYSTEM)
    text = re.sub(rf"(name|namespace): {GAMES}\b", rf"\1: {COPIED_GAMES}", text)
    text = re.sub(rf"(GAMESESSION_NAMESPACE\s+value): {GAMES}\b", rf"\1: {COPIED_GAMES}", text)
    return re.sub(rf"(-n|namespace) {GAMES}\b", rf"\1 {COPIED_GAMES}", text)


def game() -> dict[str, Any]:
    """A Game of the copy."""
    metadata = {"name": "copied", "namespace": COPIED_GAMES}
    spec = {"services": SERVICES, "template": template(container({}))}
    return {"apiVersion": API_VERSION, "kind": "Game", "metadata": metadata, "spec": spec}


def session() -> dict[str, Any]:
    """A session of it."""
    metadata = {"name": "alices", "namespace": COPIED_GAMES}
    spec = {"user": "alice", "game": "copied"}
    return {"apiVersion": API_VERSION, "kind": "GameSession", "metadata": metadata, "spec": spec}
