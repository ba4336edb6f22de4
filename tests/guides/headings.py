"""Headings, and the anchors by which links name them."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

_HEADING = re.compile(r"^#{1,6} +(.*?) *#*$")
_MARK = re.compile(r'<a id="([^"]+)"></a>')
_LINK = re.compile(r"\[([^\]]*)\]\([^)]*\)")


def anchors(path: Path) -> set[str]:
    """The anchors of a Markdown file, as GitHub makes them: lower case, without punctuation, a dash
    for each space, a number where there is one already."""
    found: Counter[str] = Counter()
    marks: set[str] = set()
    inside = False
    for line in path.read_text().splitlines():
        if line.lstrip().startswith("```"):
            inside = not inside
        elif not inside:
            marks.update(_MARK.findall(line))
            if heading := _HEADING.match(line):
                found[_slug(heading[1])] += 1
    repeated = {f"{slug}-{n}" for slug, count in found.items() for n in range(1, count)}
    return {*found, *repeated, *marks}


def _slug(heading: str) -> str:
    text = _LINK.sub(r"\1", heading).lower()
    return re.sub(r"[^\w\- ]", "", text).replace(" ", "-")
