"""Which context of a kubeconfig is meant, and which namespace."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from gamesession.kube import context as module
from gamesession.kube.connection import NoCluster
from gamesession.kube.context import Context, current


def kubeconfig(path: Path, chosen: str = "", **namespaces: str) -> Path:
    """A kubeconfig with contexts, by the namespaces that they name (`""` for none)."""
    contexts: list[dict[str, Any]] = [
        {"name": name, "context": {"cluster": name} | ({"namespace": of} if of else {})}
        for name, of in namespaces.items()
    ]
    config = {"contexts": contexts} | ({"current-context": chosen} if chosen else {})
    path.write_text(json.dumps(config))
    return path


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """Two contexts; `home` is the current one, and names no namespace."""
    return kubeconfig(tmp_path / "config", "home", home="", work="games")


def test_the_namespace_of_the_current_context(config: Path) -> None:
    assert current(config) == Context("home", "default")


def test_the_namespace_of_another_context(config: Path) -> None:
    assert current(config, "work") == Context("work", "games")


def test_a_context_that_is_not_there_is_told_with_those_that_are(config: Path) -> None:
    with pytest.raises(NoCluster, match="no context wrok; there are: home, work"):
        current(config, "wrok")


def test_a_context_can_be_named_where_none_is_current(tmp_path: Path) -> None:
    found = kubeconfig(tmp_path / "config", work="games")
    assert current(found, "work") == Context("work", "games")
    with pytest.raises(NoCluster, match="no current context, and none was named; there are: work"):
        current(found)


def test_several_files_are_one_kubeconfig(
    tmp_path: Path, config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = kubeconfig(tmp_path / "other", "", third="chess")
    paths = os.pathsep.join([str(tmp_path / "missing"), str(config), str(other)])
    monkeypatch.setattr("kubernetes.aio.config.KUBE_CONFIG_DEFAULT_LOCATION", paths)
    assert current() == Context("home", "default")
    assert current(None, "third") == Context("third", "chess")


@pytest.mark.parametrize("text", ["", "just words", "[1, 2]", "a: [", "contexts: 3"])
def test_a_file_that_is_no_kubeconfig(text: str, tmp_path: Path) -> None:
    path = tmp_path / "config"
    path.write_text(text)
    with pytest.raises(NoCluster, match="kubeconfig"):
        current(path)


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(NoCluster, match=r"there is no kubeconfig at .*missing"):
        current(tmp_path / "missing")


def test_in_a_pod_the_namespace_is_the_pods(
    tmp_path: Path, config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = tmp_path / "namespace"
    own.write_text("system\n")
    monkeypatch.setattr(module, "OWN_NAMESPACE", own)
    assert current() == Context("", "system")
    assert str(current()) == "this pod's cluster"
    assert current(config).name == "home"
