"""Whether a Game is accepted."""

from __future__ import annotations

from typing import Any

import pytest

from gamesession.plan.acceptance import (
    MAX_WORDS,
    Answer,
    accepted_condition,
    refused,
    route_conflict,
    route_holder,
)
from gamesession.plan.game import Acceptance, Game

SPEC = {
    "services": [{"name": "game", "port": 8080}],
    "template": {"spec": {"containers": [{"name": "game", "image": "fortune-game"}]}},
}


def game(name: str, *, minute: int = 0, uid: str = "", **fields: Any) -> Game:
    deleting = {"deletionTimestamp": "2026-01-31T13:00:00Z"} if fields.pop("deleting", 0) else {}
    return Game.from_object(
        {
            "metadata": {
                "namespace": "games",
                "name": name,
                "uid": uid or f"uid-of-{name}",
                "resourceVersion": "1",
                "generation": 1,
                "creationTimestamp": f"2026-01-31T12:{minute:02}:00Z",
                **deleting,
            },
            "spec": {**SPEC, **fields},
        }
    )


# What the API server says -----------------------------------------------------------------------

QUOTA = (
    'pods "x" is forbidden: exceeded quota: few, requested: pods=1, used: pods=1, limited: pods=1'
)
PRIVILEGE = 'pods "x" is forbidden: violates PodSecurity "restricted:latest": privileged (…)'
WEBHOOK = 'admission webhook "a.example.com" denied the request: not today'
LIMIT_RANGE = 'pods "x" is forbidden: maximum memory usage per Container is 1Mi, but limit is 2Mi'


@pytest.mark.parametrize(
    ("answer", "status", "reason"),
    [
        (Answer(201), Acceptance.TRUE, "Accepted"),
        (Answer(400, "BadRequest", "unknown field"), Acceptance.FALSE, "TemplateInvalid"),
        (Answer(422, "Invalid", "image: Required"), Acceptance.FALSE, "TemplateInvalid"),
        (Answer(403, "Forbidden", PRIVILEGE), Acceptance.FALSE, "PodSecurity"),
        (Answer(403, "Forbidden", QUOTA), Acceptance.UNKNOWN, "QuotaExceeded"),
        (
            Answer(403, "Forbidden", "failed quota: few: must specify limits.cpu"),
            Acceptance.UNKNOWN,
            "QuotaExceeded",
        ),
        (Answer(403, "Forbidden", LIMIT_RANGE), Acceptance.UNKNOWN, "Forbidden"),
        (Answer(403, "Forbidden", WEBHOOK), Acceptance.UNKNOWN, "WebhookRefused"),
        (Answer(400, "BadRequest", WEBHOOK), Acceptance.UNKNOWN, "WebhookRefused"),
        (
            Answer(500, "InternalError", 'failed calling webhook "a.example.com"'),
            Acceptance.UNKNOWN,
            "WebhookRefused",
        ),
        (Answer(401, "Unauthorized", "who?"), Acceptance.UNKNOWN, "Unauthorized"),
        (Answer(404, "NotFound", "namespaces"), Acceptance.UNKNOWN, "NotFound"),
        (Answer(409, "AlreadyExists", "x"), Acceptance.UNKNOWN, "AlreadyExists"),
        (Answer(429, "TooManyRequests", "later"), Acceptance.UNKNOWN, "TooManyRequests"),
        (Answer(429), Acceptance.UNKNOWN, "NotChecked"),
        (Answer(500, "InternalError", "etcd"), Acceptance.UNKNOWN, "ServerFault"),
        (Answer(503), Acceptance.UNKNOWN, "ServerFault"),
        (Answer(0, message="connection refused"), Acceptance.UNKNOWN, "NoAnswer"),
    ],
    ids=lambda value: f"{value.status} {value.message[:30]}" if isinstance(value, Answer) else None,
)
def test_what_an_answer_means(answer: Answer, status: Acceptance, reason: str) -> None:
    verdict = accepted_condition(answer)

    assert (verdict.status, verdict.reason) == (status, reason)
    assert verdict.retry is (status is Acceptance.UNKNOWN)
    assert answer.message in verdict.message
    assert verdict.message


def test_an_accepted_game_says_so_and_no_more() -> None:
    """Every field has an effect: none is said to come with a later release."""
    assert accepted_condition(Answer(201)).message == "The API server takes this pod."


def test_words_without_end_are_cut() -> None:
    assert len(accepted_condition(Answer(422, "Invalid", "x" * 100_000)).message) == MAX_WORDS
    assert len(refused(["x" * 100_000]).message) == MAX_WORDS


def test_what_we_refuse_ourselves_is_said_in_full() -> None:
    verdict = refused(["a: wrong", "b: wrong too"])

    assert (verdict.status, verdict.reason) == (Acceptance.FALSE, "TemplateRefused")
    assert verdict.message == "a: wrong; b: wrong too"


# Whose the route is -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rivals", "holder"),
    [
        ([], None),
        ([game("other", minute=0)], None),
        ([game("older", minute=4, route="luck")], "older"),
        ([game("younger", minute=6, route="luck")], None),
        ([game("luck", minute=4)], "luck"),
        ([game("smaller", minute=5, uid="a", route="luck")], "smaller"),
        ([game("larger", minute=5, uid="z", route="luck")], None),
        (
            [game("old", minute=4, route="luck"), game("oldest", minute=3, route="luck")],
            "oldest",
        ),
        ([game("leaving", minute=4, route="luck", deleting=True)], None),
    ],
    ids=[
        "alone",
        "another route",
        "older",
        "younger",
        "by its name",
        "as old, smaller uid",
        "as old, larger uid",
        "the oldest of several",
        "older, but being deleted",
    ],
)
def test_of_two_games_with_one_route_the_older_has_it(
    rivals: list[Game], holder: str | None
) -> None:
    this = game("fortune", minute=5, uid="m", route="luck")

    found = route_holder(this, [this, *rivals])

    assert (found.name if found else None) == holder


def test_a_conflict_names_the_older_game_and_the_cure() -> None:
    this, older = game("fortune", minute=5, route="luck"), game("luck", minute=4)

    verdict = route_conflict(this, [older, this])

    assert verdict is not None
    assert (verdict.status, verdict.reason) == (Acceptance.FALSE, "RouteConflict")
    assert "games/luck" in verdict.message
    assert "spec.route" in verdict.message
    assert not verdict.retry
    assert route_conflict(older, [older, this]) is None
