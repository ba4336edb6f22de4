"""How the operator is configured: options, or the environment with the prefix `GAMESESSION_`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import BeforeValidator, Field
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict


def _names(value: object) -> object:
    return [part.strip() for part in value.split(",")] if isinstance(value, str) else value


class OperatorSettings(BaseSettings):
    """The operator's configuration.

    Attributes:
        namespace: the namespaces whose Games are served, separated by commas.
        kubeconfig, context: the cluster; `None` for the pod's own, else kubectl's current one.
        cleanup_interval: seconds between two full sweeps.
        allow_privileged_templates: whether Games may ask for the host's namespaces and paths.
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
