"""`top`: fed by watches."""

from __future__ import annotations

import pytest

from gamesession.api.names import session_name
from gamesession.commands.failure import Failure
from gamesession.commands.top import frame_of, show_top, watched
from gamesession.commands.view import looking
from tests.eventually import eventually
from tests.handlers.commands.desk import Desk, ready

Capture = pytest.CaptureFixture[str]


async def test_one_frame_where_nobody_watches(desk: Desk, capsys: Capture) -> None:
    desk.add_session(**ready())
    await show_top(desk.place, None, once=False)
    first, _, heading, row = capsys.readouterr().out.splitlines()
    assert first == "play (context test): 1 session (1 Ready)"
    assert heading.startswith("USER")
    assert row.split()[:3] == ["alice", "chess", "Ready"]


async def test_only_those_of_a_game(desk: Desk, capsys: Capture) -> None:
    desk.add_game("go")
    desk.add_session(**ready())
    desk.add_session(game="go", **ready())
    await show_top(desk.place, "go", once=True)
    assert "1 session (1 Ready)\nGames: go 1\n" in capsys.readouterr().out
    with pytest.raises(Failure, match="no game tetris in namespace play; there are: chess, go"):
        await show_top(desk.place, "tetris", once=True)


async def test_what_happens_is_seen_without_asking(desk: Desk) -> None:
    lists = 0

    async def count(request: object) -> None:
        nonlocal lists
        query = request.query  # type: ignore[attr-defined]
        lists += "watch" not in query and request.method == "GET"  # type: ignore[attr-defined]

    async with looking(desk.place) as view, watched(view) as directory:

        async def phases(*expected: str) -> bool:
            return [each.phase for each in frame_of(view, directory, None).lines] == [*expected]

        desk.api.faults.append(count)
        desk.add_session()
        await eventually(lambda: phases("Pending"))
        desk.set_status(session_name("chess", "alice"), **ready())
        await eventually(lambda: phases("Ready"))
        desk.api.remove("gamesessions", session_name("chess", "alice"))
        await eventually(lambda: phases())
    assert lists == 0


async def test_an_api_server_that_is_away_is_told_beside_what_was_last_seen(desk: Desk) -> None:
    desk.add_session(**ready())
    async with looking(desk.place) as view, watched(view) as directory:
        assert frame_of(view, directory, None).trouble == ""
        await desk.api.go_away()

        async def told() -> bool:
            return "The API server does not answer" in frame_of(view, directory, None).trouble

        await eventually(told)
        assert len(frame_of(view, directory, None).lines) == 1
        await desk.api.come()

        async def well() -> bool:
            return frame_of(view, directory, None).trouble == ""

        await eventually(well)
