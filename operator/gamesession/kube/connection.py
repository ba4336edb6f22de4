"""Where the API server is and who we are to it: the usual kubeconfig, or the pod's own account."""

from __future__ import annotations

from pathlib import Path
from urllib.request import getproxies

import yaml
from kubernetes.aio import config
from kubernetes.aio.client import Configuration


class NoCluster(Exception):
    """No way to an API server was found; the message says what was tried."""


async def load(kubeconfig: Path | None = None, context: str | None = None) -> Configuration:
    """Find the API server: the pod's service account if there is one, else a kubeconfig.

    Args:
        kubeconfig: a kubeconfig file; `None` for `$KUBECONFIG` or `~/.kube/config`.
        context: a context in it; `None` for its current one. Naming either passes by the
            service account.

    Raises:
        NoCluster: none of them leads to an API server.
    """
    configuration = Configuration()
    configuration.connection_pool_maxsize = 100
    # Told to heed the environment, aiohttp looks for a ~/.netrc before each request, in a thread:
    # 1.4 ms and half of the client's CPU. It is told so only where there is a proxy to be found.
    configuration.client_session_kwargs = {"trust_env": bool(getproxies())}
    if kubeconfig is None and context is None:
        try:
            config.load_incluster_config(client_configuration=configuration)
        except config.ConfigException:
            pass  # not in a pod
        else:
            return configuration
    try:
        await config.load_kube_config(
            config_file=str(kubeconfig) if kubeconfig else None,
            context=context,
            client_configuration=configuration,
            persist_config=False,
        )
    except (config.ConfigException, OSError, yaml.YAMLError, TypeError) as error:
        # TypeError: what kubernetes makes of a file that is empty, or no mapping.
        raise NoCluster(
            f"no Kubernetes API server found: not in a pod, and no usable kubeconfig ({error}); "
            "set GAMESESSION_KUBECONFIG, KUBECONFIG or --kubeconfig"
        ) from error
    return configuration
