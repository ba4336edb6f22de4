"""JSON of any depth is read, as far as anybody needs it."""

from __future__ import annotations

import json

import pytest

from gamesession.kube.decoding import decode, shallow


def test_usual_json_is_read_as_ever() -> None:
    assert decode(b'{"a": [1, {"b": "\\u00e9]"}]}') == {"a": [1, {"b": "é]"}]}


@pytest.mark.parametrize("opening", ['{"a":', "["])
@pytest.mark.parametrize("depth", [900, 10_000, 100_000])
def test_what_is_nested_too_deep_costs_nothing_else(opening: str, depth: int) -> None:
    closing = "}" if opening[0] == "{" else "]"
    deep = opening * depth + "1" + closing * depth

    found = decode(f'{{"before": 1, "deep": {deep}, "after": [2]}}'.encode())

    assert found["before"] == 1
    assert found["after"] == [2]


def test_what_lies_too_deep_is_null() -> None:
    assert json.loads(shallow('{"a": {"b": {"c": [1]}}, "d": [[2], "x"]}', 2)) == {
        "a": {"b": None},
        "d": [None, "x"],
    }


@pytest.mark.parametrize("text", ['{"a": "]]}}[[{{"}', r'["\"[", "\\", ["[[\\\"[["]]', "7", '"["'])
def test_brackets_in_strings_are_none(text: str) -> None:
    assert json.loads(shallow(text, 2)) == json.loads(text)


def test_what_is_no_json_is_an_error() -> None:
    with pytest.raises(ValueError, match="Expecting"):
        decode("no")
