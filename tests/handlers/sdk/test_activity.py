"""What `Activity` makes of the older picture of a session that its maker may hold."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from gamesession.api.names import session_name
from tests.handlers.sdk.stage import Stage


async def test_who_holds_an_older_picture_writes_as_often_as_others(stage: Stage) -> None:
    """Who shared the making of a session hears of it late: it may be Ready, and its timeout short,
    when they still hold it as Pending, which is written every 20 s."""
    stage.add_game("quick", session={"idleTimeout": "5s"})
    manager = stage.asynchronous()
    await manager.create_session("alice", "quick")
    core = manager._manager._core
    assert core is not None
    session = core.directory.sessions.get(session_name("quick", "alice"))
    assert session is not None
    core.activity.stop()  # forget what is known of its use
    core.activity._stopped = False
    older = replace(session, phase="", last_activity=None, ready_at=None, pod_uid="")
    use = core.activity.begin(older)
    assert use.stamp == session.last_activity
    assert use.timer is not None
    assert use.timer.when() - asyncio.get_running_loop().time() < 5
    core.activity.end(use)
