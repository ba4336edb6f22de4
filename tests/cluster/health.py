"""Whether each component of the machine's cluster answers."""

from __future__ import annotations

import http.client
import socket
import ssl
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

from tests.cluster import components, node
from tests.cluster.api import APIError
from tests.cluster.components import Site
from tests.cluster.controlplane import DEFAULT_SERVICE_ACCOUNT, node_ready

SECONDS = 5.0


def checks(site: Site) -> dict[str, Callable[[], bool]]:
    """By component, what tells whether it works; in the order in which they need each other."""
    secure = f"https://{site.address}"
    plain = f"http://{site.address}"
    return {
        # The API server's own checks contain etcd's.
        "kube-apiserver": lambda: site.credentials.api().exists("/readyz"),
        "kube-controller-manager": lambda: (
            answers(site, f"{secure}:{components.CONTROLLER_MANAGER_HEALTH}/healthz")
            and site.credentials.api().exists(DEFAULT_SERVICE_ACCOUNT)
        ),
        "kube-scheduler": lambda: answers(site, f"{secure}:{components.SCHEDULER_HEALTH}/healthz"),
        "containerd": lambda: accepts(node.socket(site)),
        "kubelet": lambda: answers(site, f"{plain}:{node.KUBELET_HEALTH}/healthz") and ready(site),
        "kube-proxy": lambda: answers(site, f"{plain}:{node.PROXY_HEALTH}/healthz"),
    }


def unhealthy(site: Site) -> list[str]:
    """The components that do not work."""
    return [name for name, works in checks(site).items() if not works()]


def answers(site: Site, url: str) -> bool:
    """Whether a GET is answered with 200."""
    address = urlsplit(url)
    connection: http.client.HTTPConnection
    if address.scheme == "https":
        trusted = ssl.create_default_context(cafile=str(site.credentials.server_certificate))
        connection = http.client.HTTPSConnection(
            address.hostname or "", address.port, timeout=SECONDS, context=trusted
        )
    else:
        connection = http.client.HTTPConnection(
            address.hostname or "", address.port, timeout=SECONDS
        )
    try:
        connection.request("GET", address.path)
        return connection.getresponse().status == http.HTTPStatus.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def accepts(path: Path) -> bool:
    """Whether something accepts connections at a Unix socket."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(SECONDS)
        try:
            connection.connect(str(path))
        except OSError:
            return False
    return True


def ready(site: Site) -> bool:
    """Whether pods can be scheduled to the node."""
    try:
        return node_ready(site.credentials.api().get(f"/api/v1/nodes/{node.NAME}"))
    except (APIError, OSError):
        return False
