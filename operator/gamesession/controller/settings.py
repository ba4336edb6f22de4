"""How the operator is configured: options, or the environment with the prefix `GAMESESSION_`."""

from __future__ import annotations

import secrets
import socket
from pathlib import Path
from typing import Annotated, Final, Self

from pydantic import BeforeValidator, Field, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

OWN_NAMESPACE: Final = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")
"""A pod's own (Kubernetes documentation, "Accessing the Kubernetes API from a Pod")."""


def _names(value: object) -> object:
    return [part.strip() for part in value.split(",")] if isinstance(value, str) else value


class OperatorSettings(BaseSettings):
    """The operator's configuration.

    Attributes:
        namespace: the namespaces whose Games are served, separated by commas.
        kubeconfig, context: the cluster; `None` for the pod's own, else kubectl's current one.
        cleanup_interval: seconds between two full sweeps.
        allow_privileged_templates: whether Games may ask for the host's namespaces and paths.
        lease_name: of the Lease by which one of several operators leads.
        lease_namespace: where that is; by default in the pod's own namespace, outside of a cluster
            in the first of those that are served.
        identity: what it is held by; by default the pod's name, outside of a cluster the host's
            with a random end. Never the same for two processes that may run at once.
    """

    model_config = SettingsConfigDict(env_prefix="GAMESESSION_", extra="ignore")

    namespace: Annotated[
        list[Annotated[str, Field(pattern=r"^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$")]],
        NoDecode,
        BeforeValidator(_names),
        Field(min_length=1),
    ]
    kubeconfig: Path | None = None
    context: str | None = None
    admin_host: str = "0.0.0.0"
    admin_port: Annotated[int, Field(ge=0, le=65535)] = 9090
    cleanup_interval: Annotated[float, Field(ge=1)] = 300.0
    allow_privileged_templates: bool = False
    lease_name: Annotated[str, Field(min_length=1)] = "gamesession-operator"
    lease_namespace: str = ""
    identity: str = ""

    @model_validator(mode="after")
    def _find_myself(self) -> Self:
        own = OWN_NAMESPACE.read_text().strip() if OWN_NAMESPACE.exists() else ""
        # A container that starts again in its pod is alone there: it goes on at once.
        end = "" if own else f"-{secrets.token_hex(4)}"
        found = {
            "lease_namespace": self.lease_namespace or own or self.namespace[0],
            "identity": self.identity or socket.gethostname() + end,
        }
        for name, value in found.items():
            object.__setattr__(self, name, value)
        return self
