"""Every link of a Markdown file leads somewhere: to a file that is there, to a heading of it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.guides.guide import ROOT, guides, prose
from tests.guides.headings import anchors

LINK = re.compile(r"\]\(([^()\s]+(?:\([^()\s]*\))?)\)")
ELSEWHERE = ("http://", "https://", "mailto:")


def links(path: Path) -> list[str]:
    """The targets of a file's links that lie in this repository."""
    return [found for found in LINK.findall(prose(path)) if not found.startswith(ELSEWHERE)]


@pytest.mark.parametrize("path", guides(), ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(path: Path) -> None:
    for link in links(path):
        name, _, anchor = link.partition("#")
        target = (path.parent / name).resolve() if name else path
        assert target.exists(), f"{link}: there is no {target}"
        assert target.is_relative_to(ROOT), link
        if anchor:
            assert anchor in anchors(target), f"{link}: there is no such heading"


def test_headings_become_anchors_as_they_do_on_the_web(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "# The `Game`, and *more*\n## Twice\n## Twice\n```\n# no heading\n```\n"
        '### 429: `capacity`\n### 会话 太早结束？\n<a id="mark"></a>\n'
    )

    assert anchors(page) == {
        *("the-game-and-more", "twice", "twice-1", "429-capacity", "会话-太早结束", "mark")
    }


def test_code_holds_no_links(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("[a](b.md) `[c](d.md)`\n```\n[e](f.md)\n```\n[g](h.md#i)\n")

    assert links(page) == ["b.md", "h.md#i"]
