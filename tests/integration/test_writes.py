"""What the operator writes to the API server, counted by a proxy between them (DESIGN 3)."""

from __future__ import annotations

import asyncio

import pytest

from tests.faults.proxy import Proxy
from tests.integration.operator_process import OperatorProcess
from tests.integration.playground import Playground

pytestmark = pytest.mark.integration

COUNTED_APART = ("create events", "patch games", "patch games/status", "patch leases")


def writes_of(proxy: Proxy, since: int) -> list[str]:
    """The operator's writes from one of the proxy's requests on, but for those counted apart."""
    return [
        request.what
        for request in proxy.requests[since:]
        if request.is_write and request.what not in COUNTED_APART
    ]


async def test_a_start_takes_three_writes_and_an_end_one(
    proxy: Proxy, playground: Playground, proxied_operator: OperatorProcess
) -> None:
    """Pod, Starting, Ready; then nothing while it is used by nobody; then one delete."""
    proxied_operator.start()
    await proxied_operator.ready()
    await playground.create_game("chess", session={"idleTimeout": "5s"})
    begin = len(proxy.requests)
    name = await playground.create_session("alice", "chess")
    await playground.until_phase(name, "Ready")
    start = ["create pods", "patch gamesessions/status", "patch gamesessions/status"]
    assert writes_of(proxy, begin) == start
    await playground.until_gone(name)
    await playground.until_podless(name)
    await asyncio.sleep(1)  # nothing follows
    assert writes_of(proxy, begin) == [*start, "delete gamesessions"]


async def test_fifty_starts_at_once_take_three_writes_each(
    proxy: Proxy, playground: Playground, proxied_operator: OperatorProcess
) -> None:
    """No write is repeated because many happen at once, and a session that runs costs none."""
    proxied_operator.start()
    await proxied_operator.ready()
    await playground.create_game("chess")
    begin = len(proxy.requests)
    users = [f"user-{number}" for number in range(50)]
    names = await asyncio.gather(*(playground.create_session(user, "chess") for user in users))
    for name in names:
        await playground.until_phase(name, "Ready")
    assert len(writes_of(proxy, begin)) <= 150
    ready = len(proxy.requests)
    await asyncio.gather(*map(playground.stamp, names))
    await asyncio.sleep(2)
    assert writes_of(proxy, ready) == []


async def test_adoption_is_one_more_write(
    proxy: Proxy, playground: Playground, proxied_operator: OperatorProcess
) -> None:
    """A session by kubectl is told whose it is, once."""
    proxied_operator.start()
    await proxied_operator.ready()
    await playground.create_game("chess")
    begin = len(proxy.requests)
    await playground.apply_session("alice", "alice", "chess")
    await playground.until_phase("alice", "Ready")
    await playground.until(lambda: "ownerReferences" in playground.sessions["alice"]["metadata"])
    assert writes_of(proxy, begin).count("patch gamesessions") == 1
    assert len(writes_of(proxy, begin)) <= 4
