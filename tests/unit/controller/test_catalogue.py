"""The Games as sessions use them."""

from __future__ import annotations

from typing import Any

from gamesession.controller.catalogue import Catalogue
from gamesession.plan.acceptance import Verdict
from gamesession.plan.game import Acceptance, Game
from tests.unit.plan.objects import a_game, a_session, condition, game

TAKEN = Verdict(Acceptance.TRUE, "Accepted", "The API server takes this pod.")
REFUSED = Verdict(Acceptance.FALSE, "TemplateInvalid", "image: Required value")


def edited(**spec: Any) -> Game:
    """The same Game, one generation later."""
    found = game(**spec)
    found["metadata"]["generation"] = 2
    return Game.from_object(found)


def test_sessions_learn_of_a_verdict_once() -> None:
    catalogue = Catalogue()
    assert catalogue.judge(a_game(), TAKEN)
    assert not catalogue.judge(a_game(), TAKEN)
    assert catalogue.judge(a_game(), REFUSED)
    assert catalogue.judge(edited(), REFUSED), "of an edit, too: they waited for it"


def test_a_verdict_is_about_one_generation() -> None:
    catalogue = Catalogue()
    catalogue.judge(a_game(), REFUSED)
    assert catalogue.acceptance(a_game()) == (Acceptance.FALSE, "image: Required value")
    assert catalogue.acceptance(edited())[0] is Acceptance.UNKNOWN


def test_a_restart_delays_no_start() -> None:
    """What stands in the status of a Game that was accepted counts until it is judged again."""
    assert Catalogue().acceptance(a_game())[0] is Acceptance.TRUE


def test_after_a_restart_nobody_fails_for_what_may_have_been_put_right() -> None:
    """A session that has failed stays so; the older Game of a route may be gone meanwhile."""
    refused = {"conditions": [condition("Accepted", "False", "RouteConflict", "Another has it.")]}
    found = a_game(status=refused)
    assert Catalogue().acceptance(found) == (Acceptance.UNKNOWN, "Another has it.")


def test_what_was_found_out_comes_before_what_stands_in_the_status() -> None:
    catalogue = Catalogue()
    catalogue.judge(a_game(), REFUSED)
    assert catalogue.acceptance(a_game())[0] is Acceptance.FALSE


def test_without_a_game_nothing_is_known() -> None:
    assert Catalogue().acceptance(None) == (Acceptance.UNKNOWN, "")


def test_the_next_game_of_that_name_is_judged_anew() -> None:
    catalogue = Catalogue()
    catalogue.judge(a_game(), REFUSED)
    catalogue.forget(a_game())
    assert catalogue.acceptance(a_game(accepted=""))[0] is Acceptance.UNKNOWN


def test_a_template_is_made_once_for_each_generation() -> None:
    catalogue = Catalogue()
    assert catalogue.template(a_game()) is catalogue.template(a_game())
    before = catalogue.template_hash(a_game())
    services = [{"name": "agent", "port": 9000}]
    assert catalogue.template_hash(edited(services=services)) != before


def test_a_pod_is_its_sessions_own() -> None:
    session = a_session()
    pod = Catalogue().pod_of(a_game(), session, 3)
    assert pod["metadata"]["name"] == f"{session.name}-uid-o-3"
    assert pod["metadata"]["ownerReferences"][0]["uid"] == session.uid
    assert pod["metadata"]["namespace"] == "games"
