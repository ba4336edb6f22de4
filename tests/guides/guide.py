"""A guide: a Markdown file, and the fenced blocks in it."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
GIVEN = ROOT / "tests/guides/given"
RUNNABLE = frozenset({"sh", "console", "yaml", "python", "given"})

_FENCE = re.compile(r"^( *)```(.*)$")
_COMMENT = re.compile(r"^<!-- *(.*?) *-->$")
_GIVEN = re.compile(r"^given(?: on the node)?: (.*)$")


@dataclass(frozen=True)
class Block:
    """A fenced block.

    Attributes:
        language: what stands after the opening fence.
        line: number of the line of the opening fence, from 1.
        note: the comment on the line before, `""` if there is none.
        lead: the last line of text before it.
    """

    guide: str
    language: str
    text: str
    line: int
    note: str
    lead: str

    @property
    def place(self) -> str:
        """Where it stands, as compilers say it."""
        return f"{self.guide}:{self.line}"

    @property
    def why_not(self) -> str | None:
        """Why it is not run; `None` if it is."""
        return self._said("not run:")

    @property
    def file(self) -> str | None:
        """The name under which a reader saves it, if that is what it is for."""
        return self._said("file:")

    @property
    def needs_node(self) -> bool:
        """Whether it needs real containers."""
        return self.note.startswith(("on the node", "given on the node:"))

    @property
    def runs(self) -> bool:
        """Whether some test runs it."""
        return self.language in RUNNABLE and self.why_not is None

    def _said(self, what: str) -> str | None:
        return self.note.removeprefix(what).strip() if self.note.startswith(what) else None


def guides() -> list[Path]:
    """Every Markdown file of ours that git knows or would take, without git all that there are;
    but for copies of others' files."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", "*.md"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False).stdout
    names = [name for name in listed.split("\0") if name] or _all_names()
    paths = {ROOT / name for name in names if "/corpora/" not in name}
    return sorted(path for path in paths if path.exists())


def _all_names() -> list[str]:
    found = (path.relative_to(ROOT) for path in ROOT.rglob("*.md"))
    return [str(path) for path in found if not any(part[0] == "." for part in path.parts)]


def blocks(path: Path) -> list[Block]:
    """The fenced blocks of a guide, in order."""
    return list(_blocks(str(path.relative_to(ROOT)), path.read_text().splitlines()))


def _blocks(guide: str, lines: list[str]) -> Iterator[Block]:
    number, note, lead = 0, "", ""
    while number < len(lines):
        line = lines[number]
        number += 1
        if fence := _FENCE.match(line):
            begun = number
            while lines[number].strip() != "```":
                number += 1
            indent = len(fence[1])
            body = "".join(f"{each[indent:]}\n" for each in lines[begun:number])
            yield Block(guide, fence[2].strip(), body, begun, note, lead)
            number += 1
            note = ""
        elif comment := _COMMENT.match(line.strip()):
            note = comment[1]
            if given := _GIVEN.match(note):
                script = (GIVEN / given[1]).read_text()
                yield Block(guide, "given", script, number, note, lead)
                note = ""
        else:
            note = ""
            lead = line if line.strip() else lead


def prose(path: Path) -> str:
    """A guide without its fenced blocks and code spans: where links are links."""
    kept, inside = [], False
    for line in path.read_text().splitlines():
        if _FENCE.match(line):
            inside = not inside
        elif not inside:
            kept.append(re.sub(r"`[^`]*`", "``", line))
    return "\n".join(kept)
