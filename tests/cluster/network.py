"""The node's network: a namespace of its own, joined to the machine by one pair of interfaces.

All rules, routes, bridges and forwarding that a Kubernetes node needs are made inside, where they
meet no firewall or other cluster of the machine and vanish with the namespace. The machine itself
gets one interface and one route, so pods, services and node ports can be reached from it. There is
no way out of the namespace to other machines.
"""

from __future__ import annotations

import json
import subprocess
from typing import Any

from tests.cluster.errors import ClusterError, CommandError

INTERFACE = "gamesession0"  # the machine's end
NODE_INTERFACE = "node0"  # the node's end
MACHINE_ADDRESS = "10.213.255.1"
NODE_ADDRESS = "10.213.255.2"
LINK_CIDR = "10.213.255.0/30"
CLUSTER_CIDR = "10.213.0.0/16"
POD_CIDR = "10.213.0.0/17"
SERVICE_CIDR = "10.213.128.0/18"
SERVICE_ADDRESS = "10.213.128.1"  # the API server's, the first of SERVICE_CIDR
DNS_ADDRESS = "10.213.128.10"


def connect(pid: int) -> None:
    """Joins the machine with the network namespace of a process.

    Args:
        pid: a process in the node's namespace.

    Raises:
        ClusterError: the machine uses these addresses for something else.
    """
    require_free()
    inside = ("nsenter", f"--net=/proc/{pid}/ns/net")
    ip("link", "add", INTERFACE, "type", "veth", "peer", "name", NODE_INTERFACE, "netns", str(pid))
    ip("address", "add", f"{MACHINE_ADDRESS}/30", "dev", INTERFACE)
    ip("address", "add", f"{NODE_ADDRESS}/30", "dev", NODE_INTERFACE, inside=inside)
    ip("link", "set", "lo", "up", inside=inside)
    ip("link", "set", NODE_INTERFACE, "up", inside=inside)
    ip("link", "set", INTERFACE, "up")
    ip("route", "add", CLUSTER_CIDR, "via", NODE_ADDRESS, "dev", INTERFACE)
    # The way back to the machine is the link's own route. An address that no pod has is refused at
    # once rather than left unanswered.
    ip("route", "add", "unreachable", CLUSTER_CIDR, inside=inside)


def disconnect() -> None:
    """Removes the machine's interface, and with it its route; the kernel does so too, but later."""
    if interfaces():
        try:
            ip("link", "delete", INTERFACE)
        except CommandError:
            if interfaces():  # else the kernel was faster
                raise


def interfaces() -> list[str]:
    """The machine's interfaces that belong to the cluster."""
    found: list[dict[str, Any]] = json.loads(ip("-json", "link", "show"))
    return [link["ifname"] for link in found if link["ifname"] == INTERFACE]


def require_free() -> None:
    """Checks that no other interface has a route into the cluster's addresses.

    Raises:
        ClusterError: one has.
    """
    routes: list[dict[str, Any]] = json.loads(ip("-json", "route", "show", "root", CLUSTER_CIDR))
    taken = [f"{route['dst']} at {route['dev']}" for route in routes if "dev" in route]
    if taken:
        raise ClusterError(f"the cluster needs {CLUSTER_CIDR}, and this machine uses {taken[0]}")


def ip(*arguments: str, inside: tuple[str, ...] = ()) -> str:
    """Runs `ip`, on the machine or inside another namespace, and returns what it printed.

    Raises:
        CommandError: it ended with an error.
    """
    command = [*inside, "ip", *arguments]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode:
        raise CommandError(command, result.returncode, result.stdout + result.stderr)
    return result.stdout
