"""`ls` and `status`."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
import yaml
from aiohttp import web

from gamesession.commands.failure import FAILED, USAGE, Failure
from gamesession.commands.listing import show_list
from gamesession.commands.options import Output
from gamesession.commands.telling import tell
from gamesession.kube.connection import NoCluster
from gamesession.kube.errors import Forbidden
from tests.handlers.commands.desk import Desk, condition, ready

Capture = pytest.CaptureFixture[str]


async def listed(desk: Desk, *of: str, output: Output = Output.TABLE) -> None:
    """`gamesession ls [GAME] [USER]`."""
    game, user = [*of, None, None][:2]
    await show_list(desk.place, game, user, output, all_namespaces=False)


async def test_sessions_are_listed_by_game_and_user(desk: Desk, capsys: Capture) -> None:
    desk.add_game("go")
    for user, game in (("bob", "go"), ("bob", "chess"), ("alice", "go")):
        desk.add_session(user, game, **ready())
    await listed(desk)
    rows = [line.split()[1:4] for line in capsys.readouterr().out.splitlines()]
    assert rows == [
        ["USER", "GAME", "PHASE"],
        ["bob", "chess", "Ready"],
        ["alice", "go", "Ready"],
        ["bob", "go", "Ready"],
    ]


async def test_those_of_a_game_or_of_its_user(desk: Desk, capsys: Capture) -> None:
    desk.add_game("go")
    for user, game in (("bob", "go"), ("bob", "chess"), ("alice", "go")):
        desk.add_session(user, game, **ready())
    await listed(desk, "go")
    assert len(capsys.readouterr().out.splitlines()) == 3
    await listed(desk, "go", "bob")
    assert len(capsys.readouterr().out.splitlines()) == 2


async def test_objects_come_as_the_api_server_has_them(desk: Desk, capsys: Capture) -> None:
    name = desk.add_session(**ready())
    await listed(desk, output=Output.JSON)
    found = json.loads(capsys.readouterr().out)
    assert found["kind"] == "List"
    assert found["items"] == [desk.session(name)]
    await listed(desk, output=Output.YAML)
    assert yaml.safe_load(capsys.readouterr().out) == found


async def test_an_empty_list_is_a_list_for_programs(desk: Desk, capsys: Capture) -> None:
    await listed(desk, output=Output.JSON)
    assert json.loads(capsys.readouterr().out)["items"] == []


async def test_nothing_to_list_says_how_to_begin(desk: Desk, capsys: Capture) -> None:
    await listed(desk)
    found = capsys.readouterr()
    assert found.out == ""
    assert "No sessions in namespace play. Start one: gamesession open GAME USER" in found.err


async def test_a_game_that_is_not_there_is_told_with_those_that_are(desk: Desk) -> None:
    desk.add_game("go")
    with pytest.raises(Failure) as failure:
        await listed(desk, "tetris")
    assert str(failure.value) == (
        "no game tetris in namespace play; there are: chess, go. See: kubectl get games -n play"
    )
    assert failure.value.code == FAILED


async def test_status_finds_a_session_by_its_own_name_too(desk: Desk, capsys: Capture) -> None:
    desk.add_session(name="by-hand", **ready())
    await tell(desk.place, "by-hand", None, Output.TABLE)
    by_name = capsys.readouterr().out
    await tell(desk.place, "chess", "alice", Output.TABLE)
    assert "by-hand" in by_name
    assert by_name.splitlines()[:5] == capsys.readouterr().out.splitlines()[:5]


async def test_status_of_one_that_failed_says_why_and_what_to_do(
    desk: Desk, capsys: Capture
) -> None:
    desk.add_session(phase="Failed", conditions=condition("ImagePull", "No such image."))
    await tell(desk.place, "chess", "alice", Output.TABLE)
    told = capsys.readouterr()
    assert "Reason:    ImagePull\nMessage:   No such image.\n" in told.out
    assert told.err.startswith("Try again: gamesession open chess alice")


async def test_status_of_one_that_nobody_looked_at_asks_for_the_operator(
    desk: Desk, capsys: Capture
) -> None:
    desk.add_session()
    await tell(desk.place, "chess", "alice", Output.TABLE)
    assert "does the operator run" in capsys.readouterr().err


async def test_no_session_says_how_to_get_one(desk: Desk) -> None:
    with pytest.raises(Failure, match="alice has no session of chess in namespace play") as failure:
        await tell(desk.place, "chess", "alice", Output.TABLE)
    assert "gamesession open chess alice" in str(failure.value)


async def test_hints_can_be_typed_whatever_the_user_is_called(desk: Desk) -> None:
    with pytest.raises(Failure) as failure:
        await tell(replace(desk.place, namespace="play"), "chess", "a b; rm", Output.TABLE)
    assert "gamesession open chess 'a b; rm' -n play --kubeconfig " in str(failure.value)


async def test_hints_tell_names_from_options(desk: Desk) -> None:
    with pytest.raises(Failure, match=r"open --kubeconfig \S+ -- chess --help$"):
        await tell(desk.place, "chess", "--help", Output.TABLE)


async def test_a_game_without_a_user_is_half_a_question(desk: Desk) -> None:
    with pytest.raises(Failure, match="chess is a game: whose session") as failure:
        await tell(desk.place, "chess", None, Output.TABLE)
    assert failure.value.code == USAGE
    with pytest.raises(Failure, match="no session named nothing in namespace play"):
        await tell(desk.place, "nothing", None, Output.TABLE)


async def test_without_the_definitions_it_is_said_how_to_install_them(desk: Desk) -> None:
    del desk.api.objects["gamesessions"]
    with pytest.raises(Failure, match=r"gamesession crds \| kubectl apply"):
        await listed(desk)


async def test_an_api_server_that_is_away_is_named(desk: Desk) -> None:
    await desk.api.go_away()
    with pytest.raises(Failure, match=r"context test does not answer at http://127.0.0.1:\d+: "):
        await listed(desk)


async def test_a_refusal_is_the_api_servers_own(desk: Desk) -> None:
    async def forbid(request: web.Request) -> web.Response | None:
        if not request.path.endswith("/gamesessions"):
            return None
        body = {"kind": "Status", "reason": "Forbidden", "message": "User x cannot list"}
        return web.json_response(body, status=403)

    desk.api.faults.append(forbid)
    with pytest.raises(Forbidden, match="User x cannot list"):
        await listed(desk)


@pytest.mark.parametrize("namespace", ["a,b", "../games", "Games"])
async def test_no_namespace_can_be_called_so(desk: Desk, namespace: str) -> None:
    """The operator's own setting may name several."""
    place = replace(desk.place, namespace=namespace)
    with pytest.raises(Failure, match="name one namespace") as failure:
        await show_list(place, None, None, Output.TABLE, all_namespaces=False)
    assert failure.value.code == USAGE


async def test_a_context_that_is_not_there(desk: Desk) -> None:
    with pytest.raises(NoCluster, match="no context elsewhere; there are: test"):
        await show_list(
            replace(desk.place, context="elsewhere"), None, None, Output.TABLE, all_namespaces=False
        )
