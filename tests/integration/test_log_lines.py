"""What operator and gateway log about sessions (contract, section 7): one line of JSON for each
event, by which a session's whole story can be found by its user, its game or its name."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from gamesession.api.instant import parse_instant
from gamesession.api.names import session_name
from tests.cluster.controlplane import ControlPlane
from tests.eventually import eventually
from tests.handlers.gateway.stage import bearer
from tests.integration.gateway_process import GatewayProcess
from tests.integration.kubelet import BY_HAND
from tests.integration.node import Node
from tests.integration.operator_process import OperatorProcess
from tests.integration.playground import Playground
from tests.integration.service_process import ServiceProcess

pytestmark = pytest.mark.integration

GAME, SECRET_BODY = "chess", b"my deepest secret"
BY_OPERATOR: dict[str, dict[str, type]] = {
    "session ready": {"start": str, "seconds": float},
    "session failed": {"reason": str, "message": str},
    "expired session removed": {"reason": str, "idle_seconds": float},
}
BY_GATEWAY: dict[str, dict[str, type]] = {
    "session created": {},
    "session reused": {},
    "session closed": {},
}
LEVELS = {"session reused": "debug", "session failed": "warning"}


@pytest.fixture
async def gateway(
    control_plane: ControlPlane, namespace: str, tmp_path: Path
) -> AsyncIterator[GatewayProcess]:
    """A gateway that tells of everything. It runs."""
    settings = {
        "GAMESESSION_DEBUG": "true",
        # A slow machine must not turn a test red.
        "GAMESESSION_HOLD": "100s",
        "GAMESESSION_CONNECT_TIMEOUT": "100s",
    }
    log = tmp_path / "gateway.log"
    process = GatewayProcess(control_plane.kubeconfig, namespace, log, **settings)
    process.start()
    await process.ready()
    yield process
    process.kill()
    assert process.bugs() == []


async def test_every_event_of_the_contract_is_one_line_that_says_whose_session_it_is(
    playground: Playground, operator: OperatorProcess, gateway: GatewayProcess
) -> None:
    await operator.ready()
    await playground.create_game(GAME, template=BY_HAND, session={"idleTimeout": "5s"})
    async with Node(playground, playground.cluster), aiohttp.ClientSession(gateway.url) as http:
        await play(http, "ann", "/session/close")
        await play(http, "bob")
        await playground.until_gone(session_name(GAME, "bob"))
        # Longer than the Game lets any session idle.
        await playground.create_session("cid", GAME, idleTimeout="100h")
        await playground.until_phase(session_name(GAME, "cid"), "Failed")
        for process, events in ((operator, BY_OPERATOR), (gateway, BY_GATEWAY)):
            for event, fields in events.items():
                await check(process, event, fields)
    await check_sweep(operator)
    for process in (operator, gateway):
        check_lines(process)


async def play(http: aiohttp.ClientSession, user: str, last: str | None = None) -> None:
    """A user comes twice, and may close the session in the end."""
    for _ in range(2):
        async with http.post(f"/api/{GAME}/", headers=bearer(user), data=SECRET_BODY) as answer:
            assert answer.status == 200
    if last is not None:
        async with http.post(f"/api/{GAME}{last}", headers=bearer(user)) as answer:
            assert (await answer.json())["closed"]


async def check(process: ServiceProcess, event: str, fields: dict[str, type]) -> None:
    """There is a line about an event, and all of them say what they should."""

    async def told() -> list[dict[str, Any]]:
        return process.lines(event)

    for line in await eventually(told):
        assert line["level"] == LEVELS.get(event, "info"), line
        assert line["user"] in ("ann", "bob", "cid"), line
        assert line["game"] == GAME, line
        assert line["session"] == session_name(GAME, line["user"]), line
        for field, kind in fields.items():
            assert isinstance(line[field], kind), line


async def check_sweep(operator: OperatorProcess) -> None:
    """A sweep that removed any says how many: together they are those that were told singly."""

    async def told() -> bool:
        counts = [line["count"] for line in operator.lines("expired sessions removed")]
        assert all(count > 0 for count in counts)
        removed = operator.lines("expired session removed")
        return bool(removed) and sum(counts) == len(removed)

    await eventually(told)


def check_lines(process: ServiceProcess) -> None:
    """Whatever line names a session also says whose it is; all tell when; none tells a secret."""
    text = process.tail(10_000_000)
    assert SECRET_BODY.decode() not in text
    assert "Bearer" not in text
    assert bearer()["Authorization"].split(".")[0].removeprefix("Bearer ") not in text
    for line in process.lines():
        assert {"event", "level", "timestamp"} <= line.keys(), line
        parse_instant(line["timestamp"])
        if "session" in line:
            assert {"user", "game"} <= line.keys(), line
