"""Starts that failed in a row are remembered when their sessions are gone."""

from __future__ import annotations

from dataclasses import replace

from gamesession.controller.streaks import Streaks
from gamesession.plan.game import Game
from gamesession.plan.session import Session
from gamesession.plan.starts import starts_of
from tests.unit.plan.objects import a_game, a_session, at, pod, ready_status, status


def failed(user: str, since: float) -> Session:
    said = status("Failed", reason="Error", message="no cards", failedAt=at(since))
    return a_session(user, status=said)


def ready(since: float) -> Session:
    return a_session("ann", status=ready_status(pod(ready=True), since=since))


def said(streaks: Streaks, *sessions: Session, game: Game | None = None) -> str:
    game = game or a_game()
    return starts_of(game, streaks.ends(game, sessions, [])).status


def test_the_third_failure_of_one_user_is_the_third() -> None:
    """Each session replaces the one before."""
    streaks = Streaks()
    told = [said(streaks, failed("bob", 1)) for _ in range(3)]
    assert told == ["Unknown"] * 3, "it is one session, seen three times"
    streaks = Streaks()
    told = [said(streaks, failed(f"bob-{at}", at)) for at in (1, 2, 3)]
    assert told == ["Unknown", "Unknown", "False"]


def test_they_are_forgotten_when_one_is_ready() -> None:
    streaks = Streaks()
    said(streaks, failed("bob", 1), failed("cid", 2))
    assert said(streaks, ready(3)) == "True"
    assert said(streaks, failed("dan", 4)) == "Unknown"


def test_they_are_forgotten_when_the_game_is_edited() -> None:
    """Those that still stand were started from what it was before."""
    streaks = Streaks()
    old = [failed("bob", 1), failed("cid", 2), failed("dan", 3)]
    assert said(streaks, *old) == "False"
    edited = replace(a_game(), generation=2)
    assert said(streaks, *old, game=edited) == "Unknown"
    assert said(streaks, *old, failed("eve", 4), game=edited) == "Unknown"
    assert said(streaks, failed("fay", 5), failed("gus", 6), game=edited) == "False"


def test_games_that_are_gone_are_forgotten() -> None:
    streaks = Streaks()
    game = a_game()
    said(streaks, failed("bob", 1), failed("cid", 2), game=game)
    streaks.keep([game.uid])
    assert said(streaks, failed("dan", 3), game=game) == "False"
    streaks.keep([])
    assert said(streaks, failed("eve", 4), game=game) == "Unknown"
