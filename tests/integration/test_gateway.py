"""The gateway's own requests to a real API server, beside a real operator. (Requests to pods are in
`tests/e2e`: the pods here are kwok's, and answer nobody.)"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
import pytest

from gamesession.api.instant import parse_instant
from gamesession.api.names import session_name
from gamesession.client.stamp import Outcome, Stamps
from gamesession.gateway.keys import load_keys
from gamesession.gateway.server import Service
from gamesession.gateway.settings import GatewaySettings
from gamesession.kube.cluster import Cluster
from gamesession.kube.resources import SESSIONS
from tests.eventually import eventually
from tests.handlers.gateway.stage import AUDIENCE, ISSUER, SECRET, bearer
from tests.integration.playground import Playground

pytestmark = pytest.mark.integration


class Replica:
    """A gateway of the tests' own."""

    def __init__(self, service: Service, http: aiohttp.ClientSession) -> None:
        self.service = service
        self.http = http

    async def ask(self, method: str, path: str, user: str = "alice") -> tuple[int, Any]:
        """Status and body of an answer."""
        async with self.http.request(method, path, headers=bearer(user)) as answer:
            return answer.status, await answer.json()

    async def until_phase(self, game: str, phase: str | None, user: str = "alice") -> Any:
        """The status body, once it tells that phase."""

        async def told() -> Any:
            _, body = await self.ask("GET", f"/api/{game}/session/status", user)
            assert body["phase"] == phase
            return body

        return await eventually(told)


@asynccontextmanager
async def replica(cluster: Cluster, namespace: str, game: str) -> AsyncIterator[Replica]:
    """A gateway that knows of a Game."""
    settings = GatewaySettings(
        namespace=namespace,
        host="127.0.0.1",
        port=0,
        jwt_secret=SECRET,
        jwt_issuer=ISSUER,
        jwt_audience=AUDIENCE,
        shutdown_grace=timedelta(seconds=0.2),
    )
    service = Service(settings, cluster, load_keys(settings))
    await service.start()

    async def ready() -> bool:
        return not service.unready() and service.directory.games.get(game) is not None

    try:
        await eventually(ready)
        async with aiohttp.ClientSession(f"http://127.0.0.1:{service.port}") as http:
            yield Replica(service, http)
    finally:
        await service.stop()


async def test_a_session_is_opened_told_of_and_closed(shared: Playground) -> None:
    await shared.create_game("opened")
    async with replica(shared.cluster, shared.namespace, "opened") as gateway:
        code, body = await gateway.ask("POST", "/api/opened/session/open")
        assert code == 202
        name = session_name("opened", "alice")
        ready = await gateway.until_phase("opened", "Ready")
        assert ready["session_id"] == body["session_id"]
        assert (await gateway.ask("POST", "/api/opened/session/open"))[0] == 200
        assert await gateway.ask("POST", "/api/opened/session/close") == (
            200,
            {"success": True, "closed": True},
        )
        assert (await gateway.ask("POST", "/api/opened/session/close"))[1]["closed"] is False
        await gateway.until_phase("opened", None)
    (event,) = await shared.events_of(name, "Closed")
    assert event["reportingController"] == "gamelibrary.io/gateway"


async def test_two_replicas_make_one_session(shared: Playground) -> None:
    await shared.create_game("doubled")
    async with (
        replica(shared.cluster, shared.namespace, "doubled") as one,
        Cluster(shared.cluster.configuration, "other") as cluster,
        replica(cluster, shared.namespace, "doubled") as two,
    ):
        answers = await asyncio.gather(
            *(each.ask("POST", "/api/doubled/session/open") for each in (one, two) * 25)
        )
    assert {code for code, _ in answers} <= {200, 202}
    assert len({body["session_id"] for _, body in answers}) == 1


async def test_the_users_that_the_gateway_takes_are_those_that_the_crd_takes(
    shared: Playground,
) -> None:
    await shared.create_game("named")
    users = ["é", "e\u0301", " alice ", "al/ice", "x" * 253, "🎲" * 253, "a_b", "\u2028", "%00"]
    async with replica(shared.cluster, shared.namespace, "named") as gateway:
        answers = await asyncio.gather(
            *(gateway.ask("POST", "/api/named/session/open", user) for user in users)
        )
    assert {code for code, _ in answers} <= {200, 202}
    found, _ = await shared.cluster.list(SESSIONS, shared.namespace)
    assert set(users) <= {each["spec"]["user"] for each in found}


async def test_all_activity_is_written_on_the_way_out(shared: Playground) -> None:
    await shared.create_game("used")
    async with replica(shared.cluster, shared.namespace, "used") as gateway:
        await gateway.ask("POST", "/api/used/session/open")
        await gateway.until_phase("used", "Ready")
        asked = datetime.now(UTC)
        await gateway.ask("POST", "/api/used/session/open")
    stamp = (await shared.cluster.get(SESSIONS, shared.namespace, session_name("used", "alice")))[
        "status"
    ]["lastActivity"]
    assert asked <= parse_instant(stamp) < asked + timedelta(seconds=30)


async def test_a_stamp_moves_forward_only_and_never_to_another_life(shared: Playground) -> None:
    await shared.create_game("stamped")
    now = datetime.now(UTC)
    async with replica(shared.cluster, shared.namespace, "stamped") as gateway:
        await gateway.ask("POST", "/api/stamped/session/open")
        await gateway.until_phase("stamped", "Ready")
        directory = gateway.service.directory
        session = directory.find("stamped", "alice")
        assert session is not None
        stamps = Stamps(shared.cluster, shared.namespace, directory)
        assert await stamps.write(session, now + timedelta(seconds=2)) is Outcome.STANDS
        assert await stamps.write(session, now + timedelta(seconds=1)) is Outcome.STANDS
        found = await shared.cluster.get(SESSIONS, shared.namespace, session.name)
        assert parse_instant(found["status"]["lastActivity"]) == now + timedelta(seconds=2)
        assert found["status"]["phase"] == "Ready"
        await gateway.ask("POST", "/api/stamped/session/close")
        await gateway.ask("POST", "/api/stamped/session/open")
        assert await stamps.write(session, now + timedelta(seconds=3)) is Outcome.GONE
