"""What the gateway adds to a request of a running session, gateway and pod being containers."""

from __future__ import annotations

import json
import secrets
from urllib.parse import quote

from demo.target import GAMES
from gamesession.api.names import session_name
from gamesession.kube.resources import SESSIONS
from tests.bench.connection import Connection
from tests.bench.figure import Figure
from tests.bench.pair import compare
from tests.bench.stack import AGENT_PORT, GAME, HTTP_PORT, WHOAMI, Installed, Stack
from tests.cluster.waiting import wait_for

NAME = "reuse"
SUMMARY = (
    "A request of a running session, through the gateway and (floor) to the pod itself, "
    "on a real cluster."
)
READY_SECONDS = 60.0


def measure(stack: Stack) -> list[Figure]:
    """What the gateway adds; the user's way leads through the gateway's Service."""
    installed = stack.installed()
    user = f"bench-{secrets.token_hex(6)}"
    with Connection(installed.gateway, HTTP_PORT, WHOAMI, installed.bearer(user)) as through:
        _, body = through.ask()
        pod = pod_when_ready(installed, user)
        with Connection(pod, AGENT_PORT, WHOAMI, identity(json.loads(body))) as direct:
            return compare(direct, through)


def pod_when_ready(installed: Installed, user: str) -> str:
    """IP of the user's pod, once the session is Ready.

    Raises:
        ClusterError: it does not get Ready.
    """
    path = SESSIONS.path(GAMES, session_name(GAME, user))
    wait_for(
        lambda: installed.api.get(path)["status"]["phase"] == "Ready",
        READY_SECONDS,
        "the session to be Ready",
    )
    return str(installed.api.get(path)["status"]["podIP"])


def identity(whoami: dict[str, str]) -> dict[str, str]:
    """The headers that tell the pod, as the gateway would, whose request it is."""
    return {
        "X-Game-User": quote(whoami["user"], safe=""),
        "X-Game-Session": quote(whoami["session_id"], safe=""),
        "X-Game-Id": whoami["game"],
        "X-Game-Pod": whoami["pod"],
    }
