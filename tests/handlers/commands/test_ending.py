"""`touch` and `close`."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from aiohttp import web

from gamesession.api.errors import Unavailable
from gamesession.api.instant import parse_instant
from gamesession.api.names import session_name
from gamesession.commands.closing import close_session
from gamesession.commands.failure import Failure
from gamesession.commands.touching import touch_session
from tests.handlers.commands.desk import Desk, condition, ready

Capture = pytest.CaptureFixture[str]
ALICES = session_name("chess", "alice")


async def refuse_writes(request: web.Request) -> web.StreamResponse | None:
    """An API server that lets us read only."""
    if request.method == "GET":
        return None
    return web.json_response({"kind": "Status", "message": "read only"}, status=403)


async def test_a_touch_begins_the_idle_timeout_anew(desk: Desk, capsys: Capture) -> None:
    desk.add_session(**ready(ago=600))
    before = datetime.now(UTC)
    await touch_session(desk.place, "chess", "alice")
    session = desk.session(ALICES)
    assert session is not None
    assert parse_instant(session["status"]["lastActivity"]) >= before - timedelta(seconds=1)
    assert session["status"]["phase"] == "Ready"
    out = capsys.readouterr().out
    assert out.startswith(f"{ALICES} touched: ends in ")
    assert out.endswith("(IdleTimeout)\n")


async def test_a_touch_by_the_sessions_own_name(desk: Desk, capsys: Capture) -> None:
    desk.add_session(name="by-hand", **ready(ago=600))
    await touch_session(desk.place, "by-hand", None)
    assert "by-hand touched" in capsys.readouterr().out


async def test_a_touch_before_anybody_has_written_a_status(desk: Desk) -> None:
    desk.add_session()
    await touch_session(desk.place, "chess", "alice")
    session = desk.session(ALICES)
    assert session is not None
    assert "lastActivity" in session["status"]


async def test_no_activity_keeps_one_that_failed(desk: Desk) -> None:
    desk.add_session(phase="Failed", conditions=condition("Bad", "Broken."))
    with pytest.raises(Failure, match=r"has failed.*Start anew: gamesession open chess alice"):
        await touch_session(desk.place, "chess", "alice")
    assert desk.api.writes == []


async def test_no_activity_keeps_one_that_is_being_deleted(desk: Desk) -> None:
    desk.add_session(finalizers=("else/where",), **ready(ago=600))
    await close_session(desk.place, "chess", "alice")
    with pytest.raises(Failure, match="is ending"):
        await touch_session(desk.place, "chess", "alice")


async def test_a_touch_that_is_not_taken_is_no_success(desk: Desk) -> None:
    desk.add_session(**ready(ago=600))
    desk.api.faults.append(refuse_writes)
    with pytest.raises(Failure, match="not written"):
        await touch_session(desk.place, "chess", "alice")


async def test_closing_tells_of_it_and_deletes(desk: Desk, capsys: Capture) -> None:
    desk.add_session(**ready())
    await close_session(desk.place, "chess", "alice")
    assert desk.session(ALICES) is None
    assert desk.events() == [("Closed", "Closed from the command line.")]
    assert [write.verb for write in desk.api.writes] == ["create", "delete"]
    assert capsys.readouterr().out == f"{ALICES} closed\n"


async def test_closing_by_game_and_user_closes_all_of_them(desk: Desk, capsys: Capture) -> None:
    desk.add_session(**ready())
    desk.add_session(name="second", phase="Failed", conditions=condition("Duplicate", "Second."))
    desk.add_session("bob", **ready())
    await close_session(desk.place, "chess", "alice")
    assert list(desk.api.objects["gamesessions"]) == [session_name("chess", "bob")]
    assert set(capsys.readouterr().out.splitlines()) == {f"{ALICES} closed", "second closed"}


async def test_closing_by_name_closes_that_one_alone(desk: Desk) -> None:
    desk.add_session(**ready())
    desk.add_session(name="second", phase="Failed", conditions=condition("Duplicate", "Second."))
    await close_session(desk.place, "second", None)
    assert list(desk.api.objects["gamesessions"]) == [ALICES]


async def test_closing_twice_is_told(desk: Desk) -> None:
    desk.add_session(finalizers=("else/where",), **ready())
    await close_session(desk.place, "chess", "alice")
    with pytest.raises(Failure, match=f"{ALICES} is ending already"):
        await close_session(desk.place, "chess", "alice")
    assert len(desk.events()) == 1


async def test_closing_what_is_not_there(desk: Desk) -> None:
    with pytest.raises(Failure, match="alice has no session of chess"):
        await close_session(desk.place, "chess", "alice")


async def test_one_whose_game_is_gone_can_be_closed(desk: Desk) -> None:
    desk.add_session(**ready())
    desk.api.remove("games", "chess")
    await close_session(desk.place, "chess", "alice")
    assert desk.session(ALICES) is None


async def test_closing_that_is_refused_is_no_success(desk: Desk) -> None:
    desk.add_session(**ready())
    desk.api.faults.append(refuse_writes)
    with pytest.raises(Unavailable) as error:
        await close_session(desk.place, "chess", "alice")
    assert "read only" in str(error.value.__cause__)
