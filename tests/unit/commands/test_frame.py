"""One frame of `gamesession top`."""

from __future__ import annotations

import io

from rich.console import Console

from gamesession.commands.frame import HEADING, Frame
from gamesession.commands.line import Line
from tests.unit.plan.objects import a_game, a_session, at, pod, ready_status, status

GAME = a_game(session={"idleTimeout": "1m"})
SERVING = pod(ready=True)


def line(user: str, active: float = 0) -> Line:
    """A session that was Ready at noon, 15 s later."""
    return Line(a_session(user, status=ready_status(SERVING, active=active)), GAME, at(15))


def screen(frame: Frame, width: int, height: int) -> list[str]:
    """The lines of a terminal."""
    console = Console(file=io.StringIO(), width=width, height=height, force_terminal=False)
    with console.capture() as capture:
        console.print(frame.screen(width, height))
    return [each.rstrip() for each in capture.get().splitlines()]


def test_the_heading_counts_by_phase_and_game() -> None:
    pending = Line(a_session("carol", game="go", status=status("Pending")), None, at(15))
    first, second, *_ = Frame("games", [line("alice"), line("bob"), pending]).text().splitlines()
    assert first == "games: 3 sessions (2 Ready, 1 Pending)"
    assert second == "Games: chess 2, go 1"


def test_nothing_is_told_in_words_too() -> None:
    assert Frame("games", []).text().splitlines() == [
        "games: 0 sessions",
        "Games: -",
        "   ".join(HEADING),
    ]


def test_what_ends_next_comes_first() -> None:
    text = Frame("games", [line("late", active=14), line("soon")]).text()
    assert [row.split()[0] for row in text.splitlines()[3:]] == ["soon", "late"]


def test_a_screen_is_never_higher_than_the_terminal() -> None:
    frame = Frame("games", [line(f"user-{number:02}") for number in range(30)])
    shown = screen(frame, 120, 10)
    assert len(shown) == 10
    assert shown[-1] == "… and 24 that end later"


def test_all_that_fits_is_shown() -> None:
    frame = Frame("games", [line(f"user-{number:02}") for number in range(6)])
    shown = screen(frame, 120, 10)
    assert [row.split()[0] for row in shown[3:]] == [f"user-{number:02}" for number in range(6)]


def test_trouble_has_a_line_of_its_own() -> None:
    frame = Frame("games", [line(f"user-{number:02}") for number in range(30)], "Nobody answers.")
    shown = screen(frame, 120, 10)
    assert "Nobody answers." in shown
    assert len(shown) == 10


def test_a_narrow_terminal_shows_who_plays_what_and_until_when() -> None:
    shown = screen(Frame("games", [line("alice")]), 60, 10)
    assert shown[2].split("   ")[0] == "USER"
    assert shown[3].split() == ["alice", "chess", "Ready", "45s"]


def test_a_long_name_is_cut_and_the_rest_is_not() -> None:
    shown = screen(Frame("games", [line("x" * 253)]), 100, 10)
    assert len(shown) == 4
    for part in ("…", "Ready", "45s", "IdleTimeout"):
        assert part in shown[3]


def test_a_users_name_is_no_markup() -> None:
    assert "[red]x[/red]" in screen(Frame("games", [line("[red]x[/red]")]), 120, 10)[3]
