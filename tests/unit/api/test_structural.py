"""From pydantic's JSON schema to a structural one."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

import pytest
from pydantic import Field

from gamesession.api.parts import Duration, Part
from gamesession.api.structural import structural_schema, without_defaults


class Leaf(Part):
    """A leaf."""

    age: Duration = timedelta(seconds=90)
    """How
    old."""


class Bare(Part):
    """Nothing has a default here."""

    text: str | None = None


def test_a_reference_is_replaced_by_what_it_names() -> None:
    class Tree(Part):
        leaf: Leaf
        """The only one."""

    schema = structural_schema(Tree)

    leaf = schema["properties"]["leaf"]
    assert leaf["description"] == "The only one."
    assert leaf["properties"]["age"]["type"] == "string"
    assert schema["required"] == ["leaf"]
    assert "$defs" not in schema


def test_a_default_is_written_as_the_field_is() -> None:
    age = structural_schema(Leaf)["properties"]["age"]

    assert age["default"] == "1m30s"
    assert age["description"] == "How old."


def test_what_may_be_none_may_be_left_out() -> None:
    text = structural_schema(Bare)["properties"]["text"]

    assert text == {"type": "string"}
    assert "required" not in structural_schema(Bare)


def test_an_object_that_is_left_out_gets_the_defaults_of_its_fields() -> None:
    class Tree(Part):
        leaf: Leaf = Leaf()
        bare: Bare = Bare()

    found = structural_schema(Tree)["properties"]

    assert found["leaf"]["default"] == {}
    assert "default" not in found["bare"]


def test_items_are_followed_too() -> None:
    class Tree(Part):
        leaves: tuple[Leaf, ...] = ()
        by_name: Annotated[dict[str, Leaf], Field(max_length=3)] = Field(default_factory=dict)

    found = structural_schema(Tree)["properties"]

    assert found["leaves"]["items"]["description"] == "A leaf."
    assert found["byName"]["additionalProperties"]["description"] == "A leaf."
    assert found["byName"]["maxProperties"] == 3


def test_kubernetes_keywords_pass() -> None:
    class Tree(Part):
        text: Annotated[str, Field(json_schema_extra={"x-kubernetes-validations": []})]

    assert "x-kubernetes-validations" in structural_schema(Tree)["properties"]["text"]


def test_a_field_of_two_types_is_refused() -> None:
    class Tree(Part):
        number: int | str

    with pytest.raises(ValueError, match="several types"):
        structural_schema(Tree)


def test_a_status_has_no_defaults() -> None:
    class Tree(Part):
        leaf: Leaf = Leaf()

    bare = without_defaults(structural_schema(Tree))

    assert "default" not in bare["properties"]["leaf"]
    assert "default" not in bare["properties"]["leaf"]["properties"]["age"]
