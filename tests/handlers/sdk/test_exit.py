"""Programs that end without closing their manager."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.handlers.sdk.programs import (
    check_each_ended_once,
    lines_of,
    log_of,
    program,
    until_ended,
)
from tests.handlers.sdk.stage import Stage

BEGIN = """
import asyncio, multiprocessing, os, signal, sys, threading
from gamesession import AsyncGameSessionManager, GameSessionManager
from tests.handlers.sdk.apps.record import AsynchronouslyRecorded, Recorded

def play(manager, user="alice"):
    session = manager.create_session(user, "chess")
    session.set_service("agent", Recorded(user))
    session.set_service("other", AsynchronouslyRecorded(user))
    return session
"""


async def run(stage: Stage, directory: Path, text: str, before: str = "") -> int:
    """The exit code of a script."""
    script = directory / "script.py"
    script.write_text(before + BEGIN + text)
    async with program(stage, directory, str(script)) as process:
        return await until_ended(process)


@pytest.mark.parametrize(
    ("end", "code"),
    [
        ("", 0),
        ("sys.exit(3)", 3),
        ("del manager", 0),
        ("signal.signal(signal.SIGTERM, lambda *_: sys.exit(4)); signal.raise_signal(15)", 4),
        ("threading.Thread(target=lambda: threading.Event().wait(0.2)).start()", 0),
        ("with manager: pass", 0),
        ("manager.close(); manager.close()", 0),
    ],
)
async def test_objects_end_with_the_program(
    stage: Stage, tmp_path: Path, end: str, code: int
) -> None:
    text = f"manager = GameSessionManager()\nplay(manager)\nplay(manager, 'bob')\n{end}\n"
    assert await run(stage, tmp_path, text) == code, log_of(tmp_path)
    assert check_each_ended_once(tmp_path) == {"alice": 2, "bob": 2}
    assert log_of(tmp_path) == ""
    assert len(stage.api.objects["gamesessions"]) == 2


async def test_a_close_that_comes_after_the_end_has_nothing_to_do(
    stage: Stage, tmp_path: Path
) -> None:
    """What was registered first is called last."""
    before = "import atexit\natexit.register(lambda: manager.close())\n"
    assert await run(stage, tmp_path, "manager = GameSessionManager()\nplay(manager)", before) == 0
    assert check_each_ended_once(tmp_path) == {"alice": 2}
    assert log_of(tmp_path) == ""


async def test_they_end_after_an_exception_too(stage: Stage, tmp_path: Path) -> None:
    text = "manager = GameSessionManager()\nplay(manager)\nraise LookupError('the program failed')"
    assert await run(stage, tmp_path, text) == 1
    assert [line.deed for line in lines_of(tmp_path)].count("ended") == 2
    assert "the program failed" in log_of(tmp_path)


async def test_activity_is_written_at_the_end(stage: Stage, tmp_path: Path) -> None:
    text = """
manager = GameSessionManager()
session = manager.create_session("alice", "chess")
session.update_activity()
print(session.last_activity.isoformat(timespec="microseconds"))
"""
    assert await run(stage, tmp_path, text) == 0
    used = log_of(tmp_path).strip().replace("+00:00", "Z")
    assert stage.session()["status"]["lastActivity"] >= used


async def test_threads_of_the_program_go_on_until_they_end(stage: Stage, tmp_path: Path) -> None:
    text = """
manager = GameSessionManager()
main = threading.main_thread()
def later():
    main.join()
    play(manager)
threading.Thread(target=later).start()
"""
    assert await run(stage, tmp_path, text) == 0
    assert check_each_ended_once(tmp_path) == {"alice": 2}


async def test_those_of_an_event_loop_that_has_ended(stage: Stage, tmp_path: Path) -> None:
    text = """
manager = GameSessionManager()
async def main():
    manager = AsyncGameSessionManager()
    session = await manager.create_session("alice", "chess")
    session.set_service("agent", Recorded("alice"))
    session.set_service("other", AsynchronouslyRecorded("alice"))
asyncio.run(main())
"""
    assert await run(stage, tmp_path, text) == 0
    assert [line.deed for line in lines_of(tmp_path)].count("ended") == 2


async def test_one_that_hangs_keeps_no_program(stage: Stage, tmp_path: Path) -> None:
    text = """
from gamesession.client import core, process
core.CLEANUP_SECONDS = process.CLEANUP_SECONDS = 0.3
class Hanging:
    def cleanup(self):
        threading.Event().wait()
manager = GameSessionManager()
session = play(manager)
session.set_service("hanging", Hanging())
"""
    assert await run(stage, tmp_path, text) == 0
    assert check_each_ended_once(tmp_path) == {"alice": 2}
    assert "cleanup takes too long" in log_of(tmp_path)


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
async def test_children_of_multiprocessing_end_their_own(
    stage: Stage, tmp_path: Path, method: str
) -> None:
    text = f"""
manager = GameSessionManager()
def child(user):
    play(manager, user)
if __name__ == "__main__":
    play(manager)
    context = multiprocessing.get_context({method!r})
    children = [context.Process(target=child, args=(f"child{{n}}",)) for n in range(2)]
    for each in children: each.start()
    for each in children: each.join()
"""
    assert await run(stage, tmp_path, text) == 0
    assert check_each_ended_once(tmp_path) == {"alice": 2, "child0": 2, "child1": 2}


async def test_a_forked_child_ends_its_own(stage: Stage, tmp_path: Path) -> None:
    text = """
manager = GameSessionManager()
play(manager)
child = os.fork()
play(manager, "bob" if child else "carol")
if child:
    os.waitpid(child, 0)
"""
    assert await run(stage, tmp_path, text) == 0
    assert check_each_ended_once(tmp_path) == {"alice": 2, "bob": 2, "carol": 2}
    assert log_of(tmp_path) == ""
