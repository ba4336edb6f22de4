"""The first request of a user for whom a pod waits: until the first byte of the pod's answer, in
containers, through the gateway. The floor is the same request of a like pod itself."""

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
from tests.bench.stack import AGENT_PORT, GAME, Installed, Stack
from tests.bench.timeline import Timeline
from tests.bench.times import Times
from tests.bench.witness import (
    ANSWERED,
    BEGUN,
    GONE,
    POD_CREATED,
    POD_READY,
    SESSION_CREATED,
    SESSION_READY,
    Witness,
)

NAME = "first-byte"
SUMMARY = (
    "The first request of a user for whom a pod waits, one at a time, and (floor) the first "
    "request of a pod like it, asked directly; about two minutes."
)
RUNS = 20
POOL = 2
PATH = f"/api/{GAME}/conversation"
"""What the game answers without asking Redis first."""
PROMISED = Promise(10)
"""Milliseconds from when a watch shows the session Ready."""
CLAIMED = POD_CREATED  # as a watch has it of the session's pods: it was not one of them before
ASKED = "asked"
PARTS = {SESSION_CREATED: SESSION_CREATED, CLAIMED: "pod claimed", SESSION_READY: SESSION_READY}


def measure(stack: Stack) -> list[Figure]:
    """Both in turn, one user at a time."""
    installed = stack.installed()
    installed.set_pool(POOL)
    try:
        return uvloop.run(starts(installed))
    finally:
        installed.set_pool(0)


async def starts(installed: Installed) -> list[Figure]:
    """Users who come, are answered and leave; and pods of nobody.

    Raises:
        OSError: something that must happen did not.
    """
    sessions, bare, warm = [], [], 0
    timeout = aiohttp.ClientTimeout(total=60)
    async with Witness(installed.api) as witness, aiohttp.ClientSession(timeout=timeout) as http:
        for _ in range(RUNS):
            installed.await_pool(POOL)
            user = f"bench-{secrets.token_hex(6)}"
            timeline, start, pod = await first_request(installed, witness, http, user)
            sessions.append(timeline)
            warm += start == "warm"
            bare.append(await bare_pod(witness, http, user, pod))
    return [*figures(sessions, bare), Figure(f"not warm of {RUNS}", RUNS - warm, unit="starts")]


async def first_request(
    installed: Installed, witness: Witness, http: aiohttp.ClientSession, user: str
) -> tuple[Timeline, str | None, dict[str, Any]]:
    """A session's start by its user's first request, what kind of start the gateway says it was,
    and its pod. Both are gone again when this returns."""
    name, bearer = session_name(GAME, user), installed.bearer(user)
    url = f"http://{installed.gateway}"
    query = {"labelSelector": f"{SESSION_LABEL}={name}"}
    async with witness.watching(query, session=name, probe=False) as timeline:
        timeline.mark(BEGUN)
        async with http.get(f"{url}{PATH}", headers=bearer, raise_for_status=True) as answer:
            timeline.mark(ANSWERED)
            await answer.read()
        await timeline.until(*PARTS)
        pod = witness.pod
        await http.post(f"{url}/api/{GAME}/session/close", headers=bearer)
        await timeline.until(GONE)
    return timeline, answer.headers.get("X-Game-Start"), pod


async def bare_pod(
    witness: Witness, http: aiohttp.ClientSession, user: str, like: dict[str, Any]
) -> Timeline:
    """The first request of a pod that is like a session's, asked once it is Ready."""
    name = f"bench-floor-{secrets.token_hex(4)}"
    spec = {key: value for key, value in like["spec"].items() if key != "nodeName"}
    async with witness.watching({"fieldSelector": f"metadata.name={name}"}, probe=False) as line:
        made = await witness.create_pod({"metadata": {"name": name}, "spec": spec})
        await line.until(POD_READY)
        whose = {"user": user, "session_id": f"{user}_{GAME}_0", "game": GAME}
        headers = identity({**whose, "pod": made["metadata"]["uid"]})
        url = f"http://{witness.pod['status']['podIP']}:{AGENT_PORT}{PATH}"
        line.mark(ASKED)
        async with http.get(url, headers=headers, raise_for_status=True) as answer:
            line.mark(ANSWERED)
            await answer.read()
        await witness.delete_pod(name)
        await line.until(GONE)
    return line


def figures(sessions: Sequence[Timeline], bare: Sequence[Timeline]) -> list[Figure]:
    """What is promised, the whole, and its parts."""
    floor = Times(each.seconds(ASKED, ANSWERED) for each in bare)
    found = []
    for name, since in (("Ready → first byte", SESSION_READY), ("request → first byte", BEGUN)):
        times = Times(each.seconds(since, ANSWERED) for each in sessions)
        promise = PROMISED if since == SESSION_READY else None
        found += [
            Figure(f"{name}, p50", times.percentile(50), floor.percentile(50), promise),
            Figure(f"{name}, p90", times.percentile(90), floor.percentile(90)),
            Figure(f"{name}, max", times.longest, floor.longest),
        ]
    for mark, name in PARTS.items():
        times = Times(each.seconds(BEGUN, mark) for each in sessions)
        found.append(Figure(f"request → {name}, p50", times.percentile(50)))
    return found
