"""The first request of a user: how long it takes, with its parts, and how soon the gateway notices
that the pod answers. The floor is the same pod without operator and gateway."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from typing import Any

import aiohttp
import uvloop

from gamesession.api.labels import SESSION_LABEL
from gamesession.api.names import session_name
from tests.bench.figure import Figure, Promise
from tests.bench.reuse import identity
from tests.bench.stack import AGENT_PORT, GAME, WHOAMI, Installed, Stack
from tests.bench.timeline import Timeline
from tests.bench.times import Times
from tests.bench.witness import (
    ANSWERED,
    BEGUN,
    BOUND,
    GONE,
    HTTP,
    IP,
    POD_CREATED,
    POD_READY,
    SESSION_CREATED,
    SESSION_READY,
    Witness,
)

NAME = "cold-start"
SUMMARY = (
    "The first request of a user, one at a time, and (floor) the same pod made by hand and asked "
    "as soon as it answers; about three minutes."
)
RUNS = 20
PROMISED = Promise(100)
"""Milliseconds from when the pod's IP stands in its status and it answers HTTP, to the answer."""
# A mark of a session's start, and its like in the start of a bare pod.
PARTS = {
    SESSION_CREATED: None,
    POD_CREATED: POD_CREATED,
    BOUND: BOUND,
    IP: IP,
    HTTP: HTTP,
    SESSION_READY: POD_READY,
}


def measure(stack: Stack) -> list[Figure]:
    """Both in turn, one pod at a time."""
    return figures(*uvloop.run(starts(stack.installed())))


async def starts(installed: Installed) -> tuple[list[Timeline], list[Timeline]]:
    """The timelines of sessions, and of bare pods.

    Raises:
        OSError: something that must happen did not.
    """
    sessions, bare = [], []
    timeout = aiohttp.ClientTimeout(total=60)
    async with Witness(installed.api) as witness, aiohttp.ClientSession(timeout=timeout) as http:
        for _ in range(RUNS):
            user = f"bench-{secrets.token_hex(6)}"
            timeline, pod = await first_request(installed, witness, http, user)
            sessions.append(timeline)
            bare.append(await bare_pod(witness, http, user, pod))
    return sessions, bare


async def first_request(
    installed: Installed, witness: Witness, http: aiohttp.ClientSession, user: str
) -> tuple[Timeline, dict[str, Any]]:
    """A session's start by its user's first request, and the pod that it got; both are gone
    again when this returns."""
    name, bearer = session_name(GAME, user), installed.bearer(user)
    url = f"http://{installed.gateway}"
    query = {"labelSelector": f"{SESSION_LABEL}={name}"}
    async with witness.watching(query, session=name) as timeline:
        timeline.mark(BEGUN)
        async with http.get(f"{url}{WHOAMI}", headers=bearer) as answer:
            body = await answer.text()
            timeline.mark(ANSWERED)
        if answer.status != 200 or answer.headers.get("X-Game-Start") != "cold":
            raise OSError(f"not the answer to a first request: {answer.status} {body}")
        await timeline.until(*(each for each in PARTS if each))
        pod = witness.pod
        await http.post(f"{url}/api/{GAME}/session/close", headers=bearer)
        await timeline.until(GONE)
    return timeline, pod


async def bare_pod(
    witness: Witness, http: aiohttp.ClientSession, user: str, like: dict[str, Any]
) -> Timeline:
    """The start of a pod that is like a session's, without anybody in between."""
    name = f"bench-floor-{secrets.token_hex(4)}"
    spec = {key: value for key, value in like["spec"].items() if key != "nodeName"}
    async with witness.watching({"fieldSelector": f"metadata.name={name}"}) as timeline:
        timeline.mark(BEGUN)
        made = await witness.create_pod({"metadata": {"name": name}, "spec": spec})
        await timeline.until(HTTP)
        whose = {"user": user, "session_id": f"{user}_{GAME}_0", "game": GAME}
        headers = identity({**whose, "pod": made["metadata"]["uid"]})
        url = f"http://{witness.pod['status']['podIP']}:{AGENT_PORT}{WHOAMI}"
        async with http.get(url, headers=headers, raise_for_status=True) as answer:
            await answer.read()
            timeline.mark(ANSWERED)
        await timeline.until(POD_READY)
        await witness.delete_pod(name)
        await timeline.until(GONE)
    return timeline


def figures(sessions: Sequence[Timeline], bare: Sequence[Timeline]) -> list[Figure]:
    """What is promised, the whole, and its parts."""

    def times(of: Sequence[Timeline], since: str, until: str) -> Times:
        return Times(each.seconds(since, until) for each in of)

    found = []
    for name, since in (("IP and HTTP → answer", HTTP), ("request → answer", BEGUN)):
        measured, floor = (times(of, since, ANSWERED) for of in (sessions, bare))
        promise = PROMISED if since == HTTP else None
        found += [
            Figure(f"{name}, p50", measured.percentile(50), floor.percentile(50)),
            Figure(f"{name}, p90", measured.percentile(90), floor.percentile(90)),
            Figure(f"{name}, max", measured.longest, floor.longest, promise),
        ]
    for part, like in PARTS.items():
        median = times(sessions, BEGUN, part).percentile(50)
        least = times(bare, BEGUN, like).percentile(50) if like else None
        found.append(Figure(f"request → {part}, p50", median, least))
    return found
