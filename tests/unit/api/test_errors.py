"""The errors of the contract, section 3."""

from __future__ import annotations

import re

import pytest

from gamesession.api import errors
from gamesession.api.errors import Capacity, GameSessionError

CONTRACT = {
    "bad_request": 400,
    "bad_path": 400,
    "unauthorized": 401,
    "forbidden_origin": 403,
    "game_not_found": 404,
    "not_found": 404,
    "method_not_allowed": 405,
    "payload_too_large": 413,
    "headers_too_large": 431,
    "capacity": 429,
    "session_starting": 503,
    "game_suspended": 503,
    "unavailable": 503,
    "start_failed": 502,
    "upstream_unreachable": 502,
    "upstream_timeout": 504,
    "name_collision": 500,
}


def kinds(root: type[GameSessionError] = GameSessionError) -> list[type[GameSessionError]]:
    return [kind for child in root.__subclasses__() for kind in (child, *kinds(child))]


def test_there_is_one_error_for_each_code_of_the_contract() -> None:
    assert {kind.code: kind.status for kind in kinds()} == CONTRACT
    assert len(kinds()) == len(CONTRACT)


@pytest.mark.parametrize("kind", kinds(), ids=lambda kind: kind.__name__)
def test_the_tree_in_the_documentation_is_the_tree(kind: type[GameSessionError]) -> None:
    line = re.search(rf"^ +{kind.__name__} +(\w+) (\d+)", errors.__doc__ or "", re.MULTILINE)

    assert line is not None
    assert (line[1], int(line[2])) == (kind.code, kind.status)


def test_an_error_speaks_to_a_person_and_says_when_to_come_back() -> None:
    error = Capacity("100 sessions wait already", retry_after=5)

    assert str(error) == error.message == "100 sessions wait already"
    assert error.retry_after == 5
