"""All about one session."""

from __future__ import annotations

from gamesession.commands.line import Line
from gamesession.commands.telling import description
from tests.unit.plan.objects import a_game, a_session, at, condition, pod, ready_status, status

GAME = a_game(session={"idleTimeout": "1m"})


def fields(line: Line, *, wide: bool = False) -> dict[str, str]:
    """What is told, by the names before the colons."""
    text = description(line, wide=wide)
    return {
        name: value.strip() for name, _, value in (row.partition(":") for row in text.splitlines())
    }


def test_where_it_is_and_when_it_ends() -> None:
    session = a_session(status=ready_status(pod(ready=True), active=5))
    told = fields(Line(session, GAME, at(15)))
    assert told["User"] == "alice"
    assert told["Phase"].startswith("Ready")
    assert told["Pod"] == session.pod_name
    assert told["Active"] == "10s ago"
    assert told["Ends in"] == "50s (IdleTimeout, at 12:01:05 UTC)"


def test_services_stand_below_each_other() -> None:
    whole = ready_status(pod(ready=True)) | {"services": {"a": "10.0.0.1:1", "b": "10.0.0.1:2"}}
    text = description(Line(a_session(status=whole), GAME, at(15)))
    assert "Services:  a 10.0.0.1:1\n           b 10.0.0.1:2\n" in text


def test_the_words_of_a_pod_are_told_line_by_line_and_steer_nothing() -> None:
    said = condition("Ready", "False", "ContainerFailed", "Traceback\n\x1b]0;title\x07boom")
    session = a_session(status=status("Failed") | {"conditions": [said]})
    text = description(Line(session, GAME, at(15)))
    assert "Message:   Traceback\n           \\x1b]0;title\\x07boom\n" in text


def test_a_game_that_is_gone_is_said_to_be() -> None:
    assert fields(Line(a_session(), None, at(15)))["Game"] == "chess (gone)"


def test_wide_tells_times_and_uid() -> None:
    session = a_session(status=ready_status(pod(ready=True)))
    told = fields(Line(session, GAME, at(15)), wide=True)
    assert told["UID"] == session.uid
    assert told["Restarts"] == "0 (0 failures since it was Ready)"
    assert told["Created"] == "2026-01-31T12:00:00+00:00"
