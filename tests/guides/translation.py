"""Translations have the blocks of the guide that they translate.
`python -m tests.guides.translation` copies them, in order, after an edit of the English ones."""

from __future__ import annotations

import re
from pathlib import Path

from tests.guides.catalogue import TRANSLATED
from tests.guides.guide import ROOT, blocks

_BLOCK = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)


def contents(path: Path) -> list[tuple[str, str]]:
    """Language and text of each block."""
    return [(each.language, each.text) for each in blocks(path) if each.language != "given"]


def with_blocks_of(guide: Path, translation: str) -> str:
    """A translation with the blocks of the guide in the place of its own.

    Raises:
        ValueError: it has more blocks, or fewer.
    """
    ours = iter(f"```{language}\n{text}```" for language, text in contents(guide))
    try:
        text = _BLOCK.sub(lambda _: next(ours), translation)
    except (StopIteration, RuntimeError) as error:
        raise ValueError(f"{guide} has fewer blocks than its translation") from error
    if (left := sum(1 for _ in ours)) > 0:
        raise ValueError(f"{guide} has {left} more blocks than its translation")
    return text


def main() -> None:
    """Copy all blocks."""
    for guide, translation in TRANSLATED.items():
        path = ROOT / translation
        path.write_text(with_blocks_of(ROOT / guide, path.read_text()))


if __name__ == "__main__":
    main()
