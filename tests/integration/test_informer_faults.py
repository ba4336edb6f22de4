"""Every way in which the watches of a gateway, or of a back end with the SDK, can die: what happens
then is known within a minute.

Each case has a proxy of its own, and all go on at once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from gamesession import AsyncGameSessionManager
from gamesession.api.names import session_name
from gamesession.kube.cluster import Cluster
from gamesession.kube.resources import SESSIONS
from tests.cluster.controlplane import ControlPlane
from tests.eventually import eventually
from tests.faults.fault import refused
from tests.faults.past import Past
from tests.faults.proxy import Proxy
from tests.handlers.gateway.stage import bearer
from tests.handlers.sdk.stage import Thing
from tests.integration.bodies import create, game
from tests.integration.deafness import FAULTS, GONE, NOTICED, OUTAGE, end_with
from tests.integration.gateway_process import GatewayProcess
from tests.integration.listener import Case, Listener, all_at_once, listening
from tests.integration.playground import Playground

pytestmark = pytest.mark.integration


async def status(case: Listener, route: str, user: str) -> dict[str, Any]:
    """What the gateway says of a session."""
    assert isinstance(case.process, GatewayProcess)
    url = f"{case.process.url}/api/{route}/session/status"
    async with aiohttp.ClientSession() as client, client.get(url, headers=bearer(user)) as answer:
        body: dict[str, Any] = await answer.json()
        return body


async def set_phase(case: Listener, user: str, phase: str) -> None:
    """Write a session's phase, in the operator's place."""
    body = {"status": {"phase": phase}}
    name = session_name("chess", user)
    cluster, namespace = case.playground.cluster, case.playground.namespace
    await cluster.merge_patch(SESSIONS, namespace, name, body, subresource="status")


async def two_play(case: Listener) -> None:
    """The gateway knows of a Game and two sessions."""
    playground = case.playground
    await create(playground.cluster, playground.namespace, game("chess"))
    for user in ("alice", "bob"):
        await playground.create_session(user, "chess")
        await set_phase(case, user, "Starting")
    await until(lambda: says(case, alice="Starting", bob="Starting"))


async def everything_changes(case: Listener) -> Callable[[], Awaitable[bool]]:
    """Something comes, something goes, something changes; returns whether the gateway knows."""
    playground = case.playground
    await create(playground.cluster, playground.namespace, game("go"))
    await playground.delete(SESSIONS, session_name("chess", "bob"))
    await set_phase(case, "alice", "Ready")

    async def known() -> bool:
        newcomer = await status(case, "go", "alice")
        return newcomer["success"] and await says(case, alice="Ready", bob=None)

    return known


async def says(case: Listener, **phases: str | None) -> bool:
    """Whether the gateway tells these phases, by user."""
    found = {user: (await status(case, "chess", user)).get("phase") for user in phases}
    return found == phases


async def until(check: Callable[[], Awaitable[bool]], deadline: float = NOTICED) -> None:
    """Wait for something, looking twice a second."""
    await eventually(check, deadline=deadline, every=0.5)


# A gateway --------------------------------------------------------------------------------------


async def strike(case: Listener, fault: Callable[[Proxy], Awaitable[None]]) -> None:
    """The watches die at once; all that happens then is noticed."""
    await two_play(case)
    await fault(case.proxy)
    await until(await everything_changes(case))
    await case.until_well()


async def refuse_lists_for_two_minutes(case: Listener) -> None:
    """And the watches are to be begun anew: they cannot. What was known is served on."""
    await two_play(case)
    ends = asyncio.get_running_loop().time() + OUTAGE
    case.proxy.add(lambda request: request.verb == "list", refused(500), times=1_000_000)
    await end_with(case.proxy, GONE)
    known = await everything_changes(case)
    await case.until(lambda look: min(look.ages.values()) > NOTICED)
    assert await says(case, alice="Starting", bob="Starting")
    await asyncio.sleep(ends - asyncio.get_running_loop().time())
    case.proxy.clear()
    await until(known)
    await case.until_well()


async def go_away(case: Listener) -> None:
    """The API server answers nothing for more than a minute. What was known is served on."""
    await two_play(case)
    await case.proxy.down()
    known = await everything_changes(case)
    await case.until(lambda look: min(look.ages.values()) > NOTICED)
    assert await says(case, alice="Starting", bob="Starting")
    await case.proxy.up()
    await until(known)
    await case.until_well()


async def lag_behind(case: Listener) -> None:
    """Lists and watches show for a while what was before two played, who play on."""
    past = Past(case.proxy)
    await past.look()
    await two_play(case)
    past.begin()
    case.proxy.cut()
    await end_with(case.proxy, GONE)
    await until(lambda: listed_stale(case))
    assert await says(case, alice="Starting", bob="Starting")
    known = await everything_changes(case)
    past.end()
    await until(known)
    await case.until_well()


async def listed_stale(case: Listener) -> bool:
    """Whether each kind was listed as it was before."""
    stale = {str(line["resource"]) for line in case.process.lines("list is stale")}
    return stale >= {"games", "gamesessions"}


async def nothing_happens(case: Listener) -> None:
    """A watch that has nothing to tell, in a namespace where nobody does anything, is well."""
    await two_play(case)
    seen = len(case.looks)
    await case.until(lambda look: look.oldest > 20)
    await case.until(lambda look: look.oldest < 10)
    assert all(look.healthy for look in case.looks[seen:])


CASES: dict[str, Case] = {
    "lists that fail": refuse_lists_for_two_minutes,
    "away": go_away,
    "stale lists": lag_behind,
    "nothing happens": nothing_happens,
    **{name: partial(strike, fault=fault) for name, fault in FAULTS.items()},
}


async def test_a_gateway_hears_again_within_a_minute_and_is_never_to_be_replaced(
    control_plane: ControlPlane, cluster: Cluster, tmp_path: Path
) -> None:
    """However its watches die: it serves those who play, which a new process could not."""

    async def serve(case: Listener, lives: Case) -> None:
        await lives(case)
        assert all(look.healthy and look.ready for look in case.looks)

    await all_at_once(
        {name: partial(serve, lives=lives) for name, lives in CASES.items()},
        lambda way: listening(control_plane, cluster, way, GatewayProcess),
        tmp_path,
    )


# The SDK ----------------------------------------------------------------------------------------


async def test_a_back_end_learns_within_a_minute_that_a_session_has_ended(
    control_plane: ControlPlane, shared: Playground, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """However its watches die: what it stored with the session is cleaned up."""
    await shared.create_game("chess")
    await asyncio.gather(
        *(
            learn_of_an_end(control_plane, shared, tmp_path_factory.mktemp(user), user, fault)
            for user, fault in zip("abcdefgh", FAULTS.values(), strict=False)
        )
    )


async def learn_of_an_end(
    plane: ControlPlane,
    playground: Playground,
    directory: Path,
    user: str,
    fault: Callable[[Proxy], Awaitable[None]],
) -> None:
    """A session of the SDK's, whose watches die before it does."""
    async with (
        Proxy(plane, directory) as proxy,
        AsyncGameSessionManager(
            namespace=playground.namespace, kubeconfig=proxy.kubeconfig, hold=60
        ) as manager,
    ):
        session = await manager.create_session(user, "chess")
        thing = Thing()
        session.set_service("agent", thing)
        await fault(proxy)
        await playground.delete(SESSIONS, session_name("chess", user))

        async def cleaned_up() -> bool:
            return len(thing.ends) == 1

        await until(cleaned_up)
