"""What goes into the images is locked, and what runs of them is no root and writes nowhere."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.integration.installation import ROOT, documents

SAMPLE = ROOT / "manifests" / "samples" / "fortune-game"
LOCKED = [(ROOT, "requirements.lock"), (SAMPLE, "app/requirements.txt")]
"""Where a Dockerfile of ours is, and the lock that it installs."""
LOCKS = [ROOT / "requirements.lock", ROOT / "requirements-dev.lock", SAMPLE / LOCKED[1][1]]
FETCHES = re.compile(r"\b(pip|apt|apt-get|curl|wget|npm|git)\s+(install|clone|update)\b|\bhttps?:")
HASH = re.compile(r"--hash=sha256:[0-9a-f]{64}\b")


def instructions(directory: Path) -> list[tuple[str, str]]:
    """The instructions of a Dockerfile, each with its words on one line."""
    text = (directory / "Dockerfile").read_text().replace("\\\n", " ")
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return [(line.split()[0], " ".join(line.split()[1:])) for line in lines]


def entries(lock: Path) -> Iterator[str]:
    """What a lock says of one package each."""
    text = "\n".join(line for line in lock.read_text().splitlines() if line[:1] != "#")
    yield from (entry for entry in re.split(r"\n(?=\S)", text) if entry.strip())


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.name)
def test_every_package_of_a_lock_has_one_version_and_hashes(lock: Path) -> None:
    """So an index, or who stands between, cannot put anything else in its place."""
    found = list(entries(lock))
    assert found
    for entry in found:
        assert re.match(r"[A-Za-z0-9._-]+==[^\s;]+(\s|$)", entry), entry
        assert HASH.search(entry), entry
        assert "://" not in entry, entry


def test_the_lock_has_what_the_package_needs() -> None:
    """In a version that it can do with."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    locked = dict(entry.split()[0].split("==") for entry in entries(ROOT / "requirements.lock"))
    for text in project["dependencies"]:
        needed = Requirement(text)
        assert needed.specifier.contains(locked[canonicalize_name(needed.name)]), text


@pytest.mark.parametrize(("directory", "lock"), LOCKED, ids=["gamesession", "fortune-game"])
def test_an_image_gets_packages_from_its_lock_and_from_nowhere_else(
    directory: Path, lock: str
) -> None:
    steps = instructions(directory)
    assert not [step for step in steps if step[0] == "ADD"]
    (install,) = [words for step, words in steps if step == "RUN" and FETCHES.search(words)]
    assert len(FETCHES.findall(install)) == 1
    assert "pip install" in install
    assert {"--require-hashes", "--only-binary", "-r"} <= set(install.split())
    assert f"-r /tmp/{Path(lock).name} " in f"{install} "
    assert ("COPY", f"{lock} /tmp/{Path(lock).name}") in steps


@pytest.mark.parametrize("directory", [ROOT, SAMPLE, SAMPLE / "redis"], ids=lambda path: path.name)
def test_an_image_runs_as_a_user_whom_kubernetes_can_see_to_be_no_root(directory: Path) -> None:
    """A name could be anybody's: `runAsNonRoot` takes numbers only."""
    users = [words for step, words in instructions(directory) if step == "USER"]
    assert users == ["65532:65532"]


def test_our_own_pods_are_no_root_and_write_nowhere() -> None:
    """Neither to the root file system nor to any volume."""
    pods = list(templates())
    assert len(pods) >= 2
    for pod in pods:
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        for container in pod["containers"] + pod.get("initContainers", []):
            security = container["securityContext"]
            assert security["readOnlyRootFilesystem"] is True
            assert security["allowPrivilegeEscalation"] is False
            assert security["capabilities"] == {"drop": ["ALL"]}
            assert all(mount["readOnly"] for mount in container.get("volumeMounts", []))


def templates() -> Iterator[dict[str, Any]]:
    """The pod specs of all that an installation runs."""
    for found in documents():
        if "template" in found.get("spec", {}):
            yield found["spec"]["template"]["spec"]
