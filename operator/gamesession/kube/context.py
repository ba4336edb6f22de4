"""What of a kubeconfig leads to the API server: the context, and the namespace it names."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import yaml
from kubernetes.aio import config

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
        NoCluster: there is no such context.
    """
    if kubeconfig is None and context is None and OWN_NAMESPACE.is_file():
        return Context("", OWN_NAMESPACE.read_text().strip())
    try:
        contexts, active = config.list_kube_config_contexts(  # type: ignore[no-untyped-call]
            str(kubeconfig) if kubeconfig else None
        )
        chosen = next(each for each in contexts if each["name"] == (context or active["name"]))
    except (config.ConfigException, OSError, yaml.YAMLError, TypeError, StopIteration) as error:
        raise NoCluster(f"the kubeconfig has no usable context {context or ''}({error})") from error
    return Context(chosen["name"], chosen["context"].get("namespace") or DEFAULT_NAMESPACE)
