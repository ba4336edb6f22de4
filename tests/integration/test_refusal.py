"""Sessions that are not to be, and Games that may not start any."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from gamesession.api.instant import parse_instant
from gamesession.kube.resources import GAMES, PODS
from tests.cluster.controlplane import ControlPlane
from tests.eventually import eventually
from tests.integration.bodies import TEMPLATE, game
from tests.integration.condition import condition, message, reason
from tests.integration.playground import Playground

pytestmark = pytest.mark.integration

BAD = {"spec": {"containers": [{"name": "Not A Name", "image": "fortune-game"}]}}


async def test_a_second_session_of_a_user_is_a_duplicate(shared: Playground) -> None:
    """It names the first, gets no pod, and the first goes on."""
    await shared.create_game("twice")
    first = await shared.create_session("alice", "twice")
    await shared.until_phase(first, "Ready")
    await shared.apply_session("also-alice", "alice", "twice")
    status = await shared.until_phase("also-alice", "Failed")
    assert reason(status) == "Duplicate"
    assert first in message(status)
    assert not shared.made_pods("also-alice")
    assert shared.status(first)["phase"] == "Ready"


async def test_of_several_at_once_one_is_served(shared: Playground) -> None:
    """Whichever it is, there is one pod, and the others name it."""
    await shared.create_game("contested")
    names = [f"alice-{number}" for number in range(5)]
    for name in names:
        await shared.apply_session(name, "alice", "contested")
    await shared.until(
        lambda: sorted(shared.status(name)["phase"] for name in names) == ["Failed"] * 4 + ["Ready"]
    )
    (served,) = (name for name in names if shared.status(name)["phase"] == "Ready")
    for name in names:
        if name != served:
            assert reason(shared.status(name)) == "Duplicate"
            assert served in message(shared.status(name))
    assert sum(len(shared.made_pods(name)) for name in names) == 1


async def test_a_template_without_end_keeps_nobody_from_the_other_games(
    shared: Playground, control_plane: ControlPlane
) -> None:
    """The API server takes almost 10,000 levels, where Python's own limit is a thousand."""
    deep = '{"a":' * 9900 + "{}" + "}" * 9900
    body = json.dumps(game("deep", template={"spec": "DEEP"})).replace('"DEEP"', deep)
    place = ("-n", shared.namespace)
    control_plane.kubectl(*place, "create", "--validate=false", "-f", "-", stdin=body)
    await shared.create_game("shallow")
    verdict = await shared.until(lambda: condition(shared.games["deep"], "Accepted"))
    assert verdict["reason"] == "TemplateRefused"
    assert "nested deeper than 50 levels" in verdict["message"]
    await shared.until_phase(await shared.create_session("alice", "shallow"), "Ready")
    control_plane.kubectl(*place, "delete", "game", "deep", "--timeout=60s")


async def test_an_idle_timeout_out_of_bounds_is_refused(shared: Playground) -> None:
    """Above the Game's maxIdleTimeout: Failed, and both numbers are named."""
    await shared.create_game("bounded", session={"idleTimeout": "1m", "maxIdleTimeout": "5m"})
    name = await shared.create_session("alice", "bounded", idleTimeout="10m")
    status = await shared.until_phase(name, "Failed")
    assert reason(status) == "IdleTimeoutOutOfBounds"
    assert "10m" in message(status) and "5m" in message(status)
    at_the_bound = await shared.create_session("bob", "bounded", idleTimeout="5m")
    await shared.until_phase(at_the_bound, "Ready")


async def test_a_template_that_the_api_server_refuses(shared: Playground) -> None:
    """New sessions fail with its words, running ones live on, and repaired it is accepted."""
    await shared.create_game("mended")
    running = await shared.create_session("alice", "mended")
    before = await shared.until_phase(running, "Ready")
    await shared.change_game("mended", template=BAD)
    refused = await shared.until(lambda: accepted(shared, "mended", "False"))
    assert refused["reason"] == "TemplateInvalid"
    assert "Not A Name" in refused["message"]
    name = await shared.create_session("bob", "mended")
    status = await shared.until_phase(name, "Failed")
    assert reason(status) == "GameNotAccepted"
    assert refused["message"] in message(status)
    assert shared.status(running) == before
    await shared.change_game("mended", template=TEMPLATE)
    name = await shared.create_session("carol", "mended")
    await shared.until_phase(name, "Ready")


async def test_a_template_that_asks_for_the_host_is_refused(shared: Playground) -> None:
    """By the operator itself, and it names the field."""
    template = {"spec": TEMPLATE["spec"] | {"hostNetwork": True}}
    await shared.create_game("greedy", template=template)
    refused = await shared.until(lambda: accepted(shared, "greedy", "False"))
    assert refused["reason"] == "TemplateRefused"
    assert "hostNetwork" in refused["message"]


async def test_a_route_belongs_to_the_older_game(shared: Playground) -> None:
    """The newer has it once the older is gone."""
    made = await shared.create_game("older", route="contested-route")
    await shared.until(lambda: accepted(shared, "older", "True"))
    born = parse_instant(made["metadata"]["creationTimestamp"])
    await eventually(lambda: is_over(born + timedelta(seconds=1)))  # ages have whole seconds
    await shared.create_game("newer", route="contested-route")
    refused = await shared.until(lambda: accepted(shared, "newer", "False"))
    assert refused["reason"] == "RouteConflict"
    assert "older" in refused["message"]
    await shared.delete(GAMES, "older")
    await shared.until(lambda: accepted(shared, "newer", "True"))
    assert shared.games["newer"]["status"]["route"] == "contested-route"


async def test_a_suspended_game_starts_no_session(shared: Playground) -> None:
    """Running ones live on and even get a lost pod back; those that wait start when it ends."""
    await shared.create_game("paused")
    running = await shared.create_session("alice", "paused")
    before = await shared.until_phase(running, "Ready")
    await shared.change_game("paused", suspend=True)
    name = await shared.create_session("bob", "paused")
    status = await shared.until_told(name)
    assert (status["phase"], reason(status)) == ("Pending", "GameSuspended")
    await shared.delete(PODS, before["podName"])
    await shared.until(
        lambda: (
            shared.status(running)["phase"] == "Ready"
            and shared.status(running)["podUID"] != before["podUID"]
        )
    )
    await shared.change_game("paused", suspend=False)
    await shared.until_phase(name, "Ready")


async def test_a_session_of_no_game_waits_for_it(shared: Playground) -> None:
    """It says so, and starts when the Game is there."""
    await shared.apply_session("early", "alice", "late")
    status = await shared.until_told("early")
    assert (status["phase"], reason(status)) == ("Pending", "GameNotFound")
    await shared.create_game("late")
    await shared.until_phase("early", "Ready")


async def is_over(moment: datetime) -> bool:
    """Whether a moment has passed."""
    return datetime.now(UTC) >= moment


def accepted(playground: Playground, game: str, status: str) -> dict[str, str] | None:
    """A Game's condition Accepted, if it has that status and is about the Game as it is now."""
    found = condition(playground.games[game], "Accepted")
    generation = playground.games[game]["metadata"]["generation"]
    current = found is not None and found["observedGeneration"] == generation
    return found if current and found is not None and found["status"] == status else None
