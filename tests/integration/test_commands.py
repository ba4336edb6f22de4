"""The command line as people use it, beside a real operator and a real kubectl."""

from __future__ import annotations

import asyncio
import json
import signal
from pathlib import Path

import pytest

from gamesession.api.names import session_name
from tests.cluster.controlplane import ControlPlane
from tests.eventually import eventually
from tests.integration.command import Command
from tests.integration.operator_process import OperatorProcess
from tests.integration.playground import Playground

pytestmark = pytest.mark.integration


@pytest.fixture
def run(control_plane: ControlPlane, shared: Playground) -> Command:
    """`gamesession …` in the namespace that the module's tests share."""
    return Command(control_plane.kubeconfig, shared.namespace)


async def test_the_life_of_a_session(shared: Playground, run: Command) -> None:
    await shared.create_game("lived", session={"idleTimeout": "10m"})
    name = session_name("lived", "alice")
    opened = await run("open", "lived", "alice", "--wait", "-o", "json")
    assert opened.code == 0, opened.err
    assert json.loads(opened.out)["status"]["phase"] == "Ready"
    told = opened.err.splitlines()
    assert told[0] == f"{name} created"
    assert "Ready     PodReady" in told[-1]

    before = shared.status(name)["lastActivity"]
    touched = await run("touch", "lived", "alice")
    assert touched.out.startswith(f"{name} touched: ends in ")
    await shared.until(lambda: shared.status(name)["lastActivity"] > before)

    status = await run("status", name)
    pod = shared.status(name)["podName"]
    assert f"Pod:       {pod}\n" in status.out
    assert f"Services:  game {shared.status(name)['services']['game']}\n" in status.out
    assert "IdleTimeout, at " in status.out

    assert (await run("close", "lived", "alice")).out == f"{name} closed\n"
    gone = await run("wait", "lived", "alice", "--for", "gone")
    assert gone.code == 0, gone.err
    (event,) = await shared.events_of(name, "Closed")
    assert event["reportingController"] == "gamelibrary.io/cli"
    assert (await run("status", "lived", "alice")).code == 1


async def test_users_may_be_called_anything(shared: Playground, run: Command) -> None:
    """The field selector finds just them."""
    await shared.create_game("called")
    users = [" é=张三,spec.user=x\\ ", "--help-me"]
    opened = await asyncio.gather(*(run("open", "called", "--", user) for user in users))
    assert [each.code for each in opened] == [0] * len(users)
    listed = await asyncio.gather(
        *(run("ls", "-o", "json", "called", "--", user) for user in users)
    )
    found = [[each["spec"]["user"] for each in json.loads(of.out)["items"]] for of in listed]
    assert found == [[user] for user in users]


async def test_waiting_ends_with_what_came_of_it(shared: Playground, run: Command) -> None:
    await shared.create_game("single", limits={"maxSessions": 1})
    assert (await run("open", "single", "first", "--wait")).code == 0
    name = await shared.create_session("second", "single")
    await shared.until_told(name)
    late = await run("wait", "single", "second", "--timeout", "1s")
    assert late.code == 124
    assert "AwaitingCapacity" in late.err
    assert "Look closer: gamesession status" in late.err

    privileged = {"name": "game", "image": "x", "securityContext": {"privileged": True}}
    await shared.create_game("refused", template={"spec": {"containers": [privileged]}})
    failed = await run("open", "refused", "alice", "--wait")
    assert failed.code == 1
    assert "GameNotAccepted" in failed.err


async def test_options_come_from_the_environment(shared: Playground, run: Command) -> None:
    await shared.create_game("given")
    opened = await run("open", "given", "alice", GAMESESSION_WAIT="true", GAMESESSION_OUTPUT="json")
    assert json.loads(opened.out)["status"]["phase"] == "Ready"
    late = await run("wait", "given", "alice", GAMESESSION_FOR="gone", GAMESESSION_TIMEOUT="100ms")
    assert late.code == 124


async def test_the_namespace_is_the_contexts(
    shared: Playground, run: Command, control_plane: ControlPlane, tmp_path: Path
) -> None:
    await shared.create_game("placed")
    await shared.create_session("alice", "placed")
    config = json.loads(control_plane.kubeconfig.read_text())
    config["contexts"][0]["context"]["namespace"] = shared.namespace
    path = tmp_path / "kubeconfig"
    path.write_text(json.dumps(config))
    listed = await run("ls", "placed", GAMESESSION_NAMESPACE="", GAMESESSION_KUBECONFIG=str(path))
    assert "alice" in listed.out, listed.err
    everywhere = await run("ls", "-A", GAMESESSION_NAMESPACE="")
    assert everywhere.out.startswith("NAMESPACE ")
    assert shared.namespace in everywhere.out


async def test_kubectl_finds_its_plugin_and_completes_its_words(
    shared: Playground, run: Command, control_plane: ControlPlane
) -> None:
    await shared.create_game("plugged")
    await shared.create_session("alice", "plugged")
    kubectl = control_plane.site.programs / "kubectl"
    listed = await run("gamesession", "ls", "plugged", program=kubectl)
    assert "alice" in listed.out, listed.err
    missing = await run("gamesession", "status", "plugged", "bob", program=kubectl)
    assert missing.code == 1
    assert "Start one: kubectl gamesession open plugged bob" in missing.err
    completed = await run("__complete", "gamesession", "un", program=kubectl)
    assert completed.out.splitlines() == ["uninstall", ":4"]
    completed = await run("__complete", "gamesession", "status", "plug", program=kubectl)
    assert completed.out.splitlines() == ["plugged", ":4"]
    completed = await run("__complete", "gamesession", "status", "plugged", "", program=kubectl)
    assert completed.out.splitlines() == ["alice", ":4"]


@pytest.mark.parametrize("leave", ["q", "SIGINT"])
async def test_top_shows_what_happens_until_somebody_leaves(
    shared: Playground, run: Command, leave: str
) -> None:
    game = f"watched-{leave.lower()}"
    await shared.create_game(game)
    async with run.at_terminal("top", game) as terminal:

        async def shows(text: str) -> bool:
            assert text in terminal.shown
            return True

        await eventually(lambda: shows("0 sessions"))
        await shared.create_session("alice", game)
        await eventually(lambda: shows("1 session (1 Ready)"))
        await eventually(lambda: shows("alice"))
        assert not terminal.echoes
        if leave == "q":
            terminal.type("q")
        else:
            terminal.process.send_signal(signal.SIGINT)
        assert await terminal.process.wait() == 0
        assert terminal.echoes
        assert "Traceback" not in terminal.shown


async def test_ctrl_c_ends_a_wait(shared: Playground, run: Command) -> None:
    await shared.create_game("endless", limits={"maxSessions": 0})
    async with run.at_terminal("open", "endless", "alice", "--wait") as terminal:

        async def waits() -> bool:
            return "AwaitingCapacity" in terminal.shown

        await eventually(waits)
        terminal.process.send_signal(signal.SIGINT)
        assert await terminal.process.wait() == 130
        assert "Traceback" not in terminal.shown


async def test_uninstall_ends_all(
    playground: Playground, operator: OperatorProcess, control_plane: ControlPlane
) -> None:
    run = Command(control_plane.kubeconfig, playground.namespace)
    await operator.ready()
    await playground.create_game("warm", warmPool={"size": 1})
    await playground.create_game("cold")
    await playground.create_session("alice", "cold")
    await playground.apply_session("by-hand", "bob", "warm")
    for name in (session_name("cold", "alice"), "by-hand"):
        await playground.until_phase(name, "Ready")
    unasked = await run("uninstall")
    assert unasked.code == 2
    assert "add --yes" in unasked.err
    ended = await run("uninstall", "--yes")
    assert ended.code == 0, ended.err
    assert "2 Games, 2 GameSessions, " in ended.err.splitlines()[-2]
    assert "taking off its finalizer" not in ended.err
    assert (await run("ls")).out == ""
    await playground.until(lambda: not (playground.games or playground.pods))
    again = await run("uninstall", "--yes")
    assert again.code == 0, "twice is fine"


async def test_uninstall_without_an_operator(
    playground: Playground, operator: OperatorProcess, control_plane: ControlPlane
) -> None:
    run = Command(control_plane.kubeconfig, playground.namespace)
    await operator.ready()
    await playground.create_game("left")
    await playground.create_session("alice", "left")
    await playground.until_phase(session_name("left", "alice"), "Ready")
    await playground.until(lambda: playground.games["left"]["metadata"].get("finalizers"))
    operator.kill()
    ended = await run("uninstall", "--yes", "--timeout", "2s")
    assert "/left within 2s: taking off its finalizer" in ended.err
    await playground.until(lambda: not (playground.games or playground.sessions))
    assert (await run("uninstall", "--yes")).code == 0
    await playground.until(lambda: not playground.pods)
