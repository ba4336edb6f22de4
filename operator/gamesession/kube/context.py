"""What of a kubeconfig leads to the API server: the context, and the namespace it names."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml
from kubernetes.aio import config
from kubernetes.aio.config.kube_config import KubeConfigMerger

from gamesession.kube.connection import NoCluster

OWN_NAMESPACE: Final = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")
DEFAULT_NAMESPACE: Final = "default"


@dataclass(frozen=True, slots=True)
class Context:
    """A way to an API server.

    Attributes:
        name: of the kubeconfig's context; `""` in a pod, by its service account.
        namespace: what is meant where none is named.
    """

    name: str
    namespace: str

    def __str__(self) -> str:
        return f"context {self.name}" if self.name else "this pod's cluster"


def current(kubeconfig: Path | None = None, context: str | None = None) -> Context:
    """The context that `connection.load` goes by, given the same.

    Raises:
        NoCluster: there is no kubeconfig, or no such context in it.
    """
    if kubeconfig is None and context is None and OWN_NAMESPACE.is_file():
        return Context("", OWN_NAMESPACE.read_text().strip())
    found, chosen = _contexts(str(kubeconfig or config.KUBE_CONFIG_DEFAULT_LOCATION))
    name = context or chosen
    if name not in found:
        there = f"there are: {', '.join(found)}" if found else "there is none at all"
        missing = f"no context {name}" if name else "no current context, and none was named"
        raise NoCluster(f"the kubeconfig has {missing}; {there}")
    return Context(name, found[name].get("namespace") or DEFAULT_NAMESPACE)


def _contexts(paths: str) -> tuple[dict[str, dict[str, Any]], str]:
    """The contexts of a kubeconfig (of several files, as `$KUBECONFIG` lists them) by name, and
    the name of the current one."""
    if not any(Path(path).expanduser().is_file() for path in paths.split(os.pathsep) if path):
        raise NoCluster(f"there is no kubeconfig at {paths}: set KUBECONFIG or --kubeconfig")
    try:
        merged = KubeConfigMerger(paths).config.value  # type: ignore[no-untyped-call]
        nodes = [node.value for node in merged["contexts"]]
        return {each["name"]: each["context"] for each in nodes}, merged.get("current-context", "")
    except (OSError, yaml.YAMLError, AttributeError, TypeError, KeyError) as error:
        raise NoCluster(f"the kubeconfig at {paths} cannot be read: {error}") from error
