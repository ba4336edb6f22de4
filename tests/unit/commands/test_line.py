"""One session as a line of a list."""

from __future__ import annotations

from typing import Any

from gamesession.commands.line import Line, by_end, by_name, lines_of, rows
from tests.unit.plan.objects import NOON, a_game, a_session, at, pod, ready_status, status

GAME = a_game(session={"idleTimeout": "1m", "maxLifetime": "1h"})
SERVING = pod(ready=True)


def ready(user: str = "alice", active: float = 0, **fields: Any) -> Line:
    """The line of a session that was Ready at noon, 15 s later."""
    found = a_session(user, status=ready_status(SERVING, active=active), **fields)
    return Line(found, GAME, at(15))


def test_a_session_ends_by_idling() -> None:
    line = ready()
    assert (line.phase, line.ends_in, line.ends_by) == ("Ready", "45s", "IdleTimeout")
    assert (line.last_activity, line.age) == ("15s", "15s")


def test_activity_puts_the_end_off() -> None:
    assert ready(active=10).ends_in == "55s"


def test_a_stamp_in_the_future_counts_as_now() -> None:
    line = ready(active=300)
    assert line.ends_in == "1m00s"
    assert line.last_activity == "0s"


def test_one_that_nobody_has_looked_at_is_pending() -> None:
    line = Line(a_session(), GAME, at(15))
    assert (line.phase, line.ends_in, line.ends_by) == ("Pending", "45s", "Abandoned")
    assert line.last_activity == "-"


def test_one_on_its_way_out_is_deleting_and_has_no_end_to_come() -> None:
    line = Line(a_session(deleting=True, status=ready_status(SERVING)), GAME, at(15))
    assert (line.phase, line.ends_in, line.ends_by) == ("Deleting", "-", "-")


def test_one_whose_game_is_gone_is_listed_too() -> None:
    (line,) = lines_of([a_session(status=ready_status(SERVING))], [], NOON)
    assert line.game is None
    assert line.ends_by == "IdleTimeout"


def test_games_of_other_namespaces_are_others() -> None:
    session = a_session(status=ready_status(SERVING))
    (line,) = lines_of([session], [GAME], NOON)
    assert line.game is GAME


def test_what_ends_next_comes_first_and_what_has_no_end_last() -> None:
    deleting = Line(a_session("carol", deleting=True), GAME, at(15))
    late, soon = ready("bob", active=10), ready("alice", active=5)
    assert by_end([deleting, late, soon]) == [soon, late, deleting]


def test_lists_are_in_the_order_of_names() -> None:
    alice, bob = ready("alice", active=10), ready("bob")
    assert by_name([bob, alice]) == [alice, bob]


def test_the_cells_of_a_wide_list() -> None:
    line = ready()
    heading, cells = rows([line], wide=True, namespaces=True)
    assert dict(zip(heading, cells, strict=True)) == {
        "NAMESPACE": "games",
        "NAME": line.session.name,
        "USER": "alice",
        "GAME": "chess",
        "PHASE": "Ready",
        "START": line.session.start_kind or "-",
        "IDLE": "15s",
        "ENDS IN": "45s",
        "AGE": "15s",
        "ENDS BY": "IdleTimeout",
        "POD": line.session.pod_name,
        "IP": line.session.pod_ip,
        "REASON": line.session.condition["reason"],
    }


def test_a_plain_list_leaves_out_what_is_wide() -> None:
    heading, cells = rows([ready()], wide=False, namespaces=False)
    assert heading == ["NAME", "USER", "GAME", "PHASE", "START", "IDLE", "ENDS IN", "AGE"]
    assert len(cells) == len(heading)


def test_empty_cells_are_marked() -> None:
    _, cells = rows(
        [Line(a_session(status=status("Pending")), GAME, NOON)], wide=True, namespaces=False
    )
    assert "" not in cells
