"""Three starts that fail in a row open a Game's circuit breaker, and the first Ready closes it:
the operator says so on the Game, and a gateway goes by it."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any

import pytest

from gamesession.api.names import session_name
from gamesession.client import breaker
from gamesession.kube.cluster import Object
from tests.eventually import eventually
from tests.integration.condition import condition
from tests.integration.kubelet import BY_HAND, Kubelet
from tests.integration.operator_process import OperatorProcess
from tests.integration.playground import Playground
from tests.integration.test_gateway import Replica, replica

pytestmark = pytest.mark.integration

GAME = "broken"
OPEN = f"/api/{GAME}/session/open"


async def test_three_failures_open_it_and_the_first_ready_closes_it(
    playground: Playground, operator: OperatorProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(breaker, "PAUSE", 3600.0)  # no machine is so slow
    kubelet = Kubelet(playground.cluster, playground.namespace)
    await playground.create_game(GAME, template=BY_HAND)
    async with replica(playground.cluster, playground.namespace, GAME) as gateway:
        await opened(gateway, "ann")
        await kubelet.serve(await pod_of(playground, "ann"), "127.3.0.1")
        await playground.until_phase(session_name(GAME, "ann"), "Ready")
        for user, said in (("bob", "True"), ("cid", "True"), ("dan", "False")):
            await opened(gateway, user)
            await kubelet.hold(await pod_of(playground, user), "InvalidImageName", f"for {user}")
            await playground.until_phase(session_name(GAME, user), "Failed")
            told = await until_told(playground, f"for {user}")
            assert told["status"] == said
        assert told["reason"] == "StartsFailing"
        operator.kill()  # what it said stands in the Game
        operator.start()
        await operator.ready()

        words = told["message"]
        users = [f"user-{number}" for number in range(5)]
        answers = await ask_all(gateway, users, until=words)
        assert Counter(code for code, _ in answers) == {202: 1, 502: 4}
        refusals = [body["error"] for code, body in answers if code == 502]
        assert {(each["code"], each["message"]) for each in refusals} == {("start_failed", words)}
        assert (await gateway.ask("POST", OPEN, "ann"))[0] == 200, "what runs is left alone"

        [lucky] = [user for user, (code, _) in zip(users, answers, strict=True) if code == 202]
        await kubelet.serve(await pod_of(playground, lucky), "127.3.0.2")
        await playground.until_phase(session_name(GAME, lucky), "Ready")
        await playground.until(lambda: ready(playground)["status"] == "True")
        await asyncio.gather(*(opened(gateway, user) for user in users))


async def opened(gateway: Replica, user: str) -> None:
    """Open a session, once the gateway knows that it may."""

    async def may() -> bool:
        code, _ = await gateway.ask("POST", OPEN, user)
        return code in (200, 202)

    await eventually(may)


async def ask_all(gateway: Replica, users: list[str], *, until: str) -> list[tuple[int, Any]]:
    """What each of them is answered, once the gateway knows what the operator said."""

    async def known() -> bool:
        game = gateway.service.directory.games.get(GAME)
        assert game is not None
        return any(each["message"] == until for each in game.status["conditions"])

    await eventually(known)
    return await asyncio.gather(*(gateway.ask("POST", OPEN, user) for user in users))


async def pod_of(playground: Playground, user: str) -> str:
    """The name of the pod that was made for a user."""
    name = session_name(GAME, user)
    pod = await playground.until(lambda: next(iter(playground.living_pods_of(name)), None))
    await playground.until(lambda: playground.status(name).get("podName"))
    return str(pod["metadata"]["name"])


async def until_told(playground: Playground, words: str) -> Object:
    """The Game's condition Ready, once it says that."""
    return await playground.until(
        lambda: ready(playground) if words in ready(playground)["message"] else None
    )


def ready(playground: Playground) -> Object:
    """The Game's condition Ready.

    Raises:
        KeyError: it has none yet.
    """
    found = condition(playground.games[GAME], "Ready")
    if found is None:
        raise KeyError("Ready")
    return found
