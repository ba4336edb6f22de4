"""`uninstall`: what goes, in which order, and what is done about what does not."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta

import pytest

from gamesession.api.names import session_name
from gamesession.commands.failure import TIMED_OUT, USAGE, Failure
from gamesession.commands.uninstalling import uninstall
from gamesession.controller.finalizer import FINALIZER
from gamesession.kube.cluster import Object
from tests.handlers.commands.desk import Desk, ready

Capture = pytest.CaptureFixture[str]
LONG, SHORT = timedelta(minutes=1), timedelta(milliseconds=300)


async def uninstalled(
    desk: Desk,
    timeout: timedelta = LONG,
    *,
    ask: bool = False,
    everywhere: bool = False,
    crds: bool = False,
) -> None:
    """`gamesession uninstall --yes`."""
    await uninstall(desk.place, timeout, ask=ask, all_namespaces=everywhere, crds=crds)


def letting_go(desk: Desk) -> Callable[[str, Object | None], None]:
    """An operator that lets go of Games that are being deleted."""

    def changed(plural: str, found: Object | None) -> None:
        if plural == "games" and found and "deletionTimestamp" in found["metadata"]:
            asyncio.get_running_loop().call_soon(release, found["metadata"]["name"])

    def release(name: str) -> None:
        if name in desk.api.objects["games"]:
            desk.api.remove("games", name)

    return changed


async def test_games_go_before_sessions_and_sessions_before_pods(
    desk: Desk, capsys: Capture
) -> None:
    desk.add_game(held=True)
    desk.add_session(**ready())
    desk.add_pod("pod-1")
    desk.api.on_change = letting_go(desk)
    await uninstalled(desk)
    deleted = [write.resource for write in desk.api.writes if write.verb == "delete"]
    assert deleted == ["games", "gamesessions", "pods"]
    assert desk.api.count("patch", "games") == 0, "the operator was there to let go"
    found = capsys.readouterr()
    assert found.out.splitlines() == [
        "game play/chess removed",
        f"gamesession play/{session_name('chess', 'alice')} removed",
        "pod play/pod-1 removed",
    ]
    assert "Removed from namespace play: 1 Game, 1 GameSession, 1 Pod." in found.err
    assert desk.events() == [("Closed", "Ended by `gamesession uninstall`.")]


async def test_pods_of_others_stay(desk: Desk) -> None:
    desk.api.put("pods", {"metadata": {"name": "others"}, "spec": {}})
    await uninstalled(desk)
    assert list(desk.api.objects["pods"]) == ["others"]


async def test_without_an_operator_its_finalizer_is_taken_off(desk: Desk, capsys: Capture) -> None:
    desk.add_game(held=True)
    await uninstalled(desk, SHORT)
    assert desk.api.objects["games"] == {}
    assert (
        f"No operator let go of game play/chess within 300ms: taking off its finalizer {FINALIZER}."
        in capsys.readouterr().err
    )


async def test_what_others_hold_stays_and_is_told(desk: Desk) -> None:
    def hold(game: Object) -> None:
        game["metadata"]["finalizers"] = [FINALIZER, "else/where"]

    desk.api.change("games", "chess", hold)
    with pytest.raises(Failure, match="still there after 300ms: game play/chess") as failure:
        await uninstalled(desk, SHORT)
    assert failure.value.code == TIMED_OUT
    assert desk.api.objects["games"]["chess"]["metadata"]["finalizers"] == ["else/where"]


async def test_sessions_that_come_meanwhile_go_too(desk: Desk) -> None:
    desk.add_session(finalizers=("else/where",), **ready())

    def changed(plural: str, found: Object | None) -> None:
        if plural == "games" and found is None:
            desk.add_session("late")

    desk.api.on_change = changed
    with pytest.raises(Failure, match=f"gamesession play/{session_name('chess', 'alice')}"):
        await uninstalled(desk, SHORT)
    assert desk.session(session_name("chess", "late")) is None


async def test_the_definitions_go_last_and_only_if_nothing_is_left(
    desk: Desk, capsys: Capture
) -> None:
    for name in ("games.gamelibrary.io", "gamesessions.gamelibrary.io", "others.example.org"):
        desk.api.put("customresourcedefinitions", {"metadata": {"name": name}})
    held = desk.add_pod("held", finalizers=("else/where",))
    with pytest.raises(Failure, match="pod play/held"):
        await uninstalled(desk, SHORT, everywhere=True, crds=True)
    assert len(desk.api.objects["customresourcedefinitions"]) == 3
    desk.api.remove("pods", held["metadata"]["name"])
    await uninstalled(desk, everywhere=True, crds=True)
    assert list(desk.api.objects["customresourcedefinitions"]) == ["others.example.org"]
    out = capsys.readouterr().out
    assert "customresourcedefinition games.gamelibrary.io removed" in out


async def test_definitions_are_everybodys(desk: Desk) -> None:
    with pytest.raises(Failure, match="say so, with -A") as failure:
        await uninstalled(desk, crds=True)
    assert failure.value.code == USAGE
    assert desk.api.writes == []


async def test_nobody_there_to_agree(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin.isatty", lambda: False, raising=False)
    with pytest.raises(Failure, match="add --yes") as failure:
        await uninstalled(desk, ask=True)
    assert failure.value.code == USAGE
    assert desk.api.writes == []


@pytest.mark.parametrize("agreed", [True, False])
async def test_somebody_is_asked(
    desk: Desk, agreed: bool, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("typer.confirm", lambda question, err: agreed)
    if agreed:
        await uninstalled(desk, ask=True)
    else:
        with pytest.raises(Failure, match="nothing was removed"):
            await uninstalled(desk, ask=True)
    assert bool(desk.api.writes) is agreed
    asked = capsys.readouterr().err.splitlines()[0]
    assert asked.startswith("This ends 1 Game, 0 GameSessions, 0 Pods in namespace play of ")
    assert f"context test ({desk.api.configuration.host})" in asked
