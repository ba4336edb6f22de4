"""The rights that the guide tells of are those that accounts have."""

from __future__ import annotations

import re

import pytest

from tests.integration.installation import BACK_END, GAMES, GATEWAY, OPERATOR, ROOT
from tests.integration.rights import MAY

ROW = re.compile(r"^\| `([a-z/]+)`[^|]*\| ([^|]*)\| ([^|]*)\|$", re.MULTILINE)
VERB = re.compile(r"\b(get|list|watch|create|update|patch|delete)\b")
ASIDE = re.compile(r"\(.*?\)|:.*")


@pytest.mark.parametrize(("account", "column"), [(OPERATOR, 1), (GATEWAY, 2), (BACK_END, 2)])
def test_the_guide_tells_the_rights_of_an_account(account: str, column: int) -> None:
    rows = ROW.findall((ROOT / "docs" / "security.md").read_text())
    told = {row[0]: set(VERB.findall(ASIDE.sub("", row[column]))) for row in rows}
    rights = MAY[account][GAMES].items()
    assert {what: verbs for what, verbs in told.items() if verbs} == {
        what.partition(".")[0]: set(verbs.split()) for what, verbs in rights
    }
