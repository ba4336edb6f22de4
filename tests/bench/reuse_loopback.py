"""The gateway alone: pod, gateway and client are processes of one machine, and the API server is
the tests' own. Quick, and needs no cluster: for working on the gateway."""

from __future__ import annotations

from tests.bench.connection import Connection
from tests.bench.figure import Figure
from tests.bench.gateway import be_gateway
from tests.bench.pair import compare
from tests.bench.pod import FORTUNE, IP, be_pod
from tests.bench.role import playing
from tests.bench.stack import Stack
from tests.handlers.gateway.stage import bearer

NAME = "reuse-loopback"
SUMMARY = (
    "A request of a running session, through the gateway and (floor) to the pod itself; "
    "processes on loopback, no cluster."
)


def measure(stack: Stack) -> list[Figure]:
    """What the gateway adds, containers and their network left out."""
    with (
        playing(be_pod) as pod,
        playing(be_gateway) as gateway,
        Connection(IP, pod.port, FORTUNE, bearer()) as direct,
        Connection("127.0.0.1", gateway.port, FORTUNE, bearer()) as through,
    ):
        return compare(direct, through)
