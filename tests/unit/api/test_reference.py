"""The reference of both objects: in step with the models, and whole."""

from __future__ import annotations

import re
from pathlib import Path

from gamesession.api.crd import crds
from gamesession.api.parts import RULES
from gamesession.api.reference import main, render_reference
from tests.unit.api.test_crd import fields, schema

REFERENCE = Path(__file__).parents[3] / "docs" / "reference.md"


def test_the_file_is_what_the_models_say() -> None:
    assert REFERENCE.read_text() == render_reference(), "run `make reference`"


def test_it_is_written_where_one_asks(tmp_path: Path) -> None:
    main(tmp_path / "reference.md")

    assert (tmp_path / "reference.md").read_text() == render_reference()


def test_every_field_and_every_rule_is_in_it() -> None:
    text = render_reference()
    for crd in crds():
        for path, part in fields(schema(crd)):
            if re.match(r"\.(spec|status)\.", path) and not path.endswith("[]"):
                assert f"| `{path[1:]}` |" in text, path
            for rule in part.get(RULES, []):
                assert rule["message"].replace("<", "&lt;") in text, path


def test_rows_have_as_many_cells_as_their_heads() -> None:
    rows = [line for line in render_reference().splitlines() if line.startswith("|")]

    assert rows
    assert {len(re.findall(r"(?<!\\)\|", row)) for row in rows} == {5}
