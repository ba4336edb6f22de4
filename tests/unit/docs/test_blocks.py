"""Every command of a guide is run by a test, or says why not."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.guides.catalogue import BY_OTHERS, ON_CONTROL_PLANE, ON_NODE, TRANSLATED
from tests.guides.guide import ROOT, RUNNABLE, Block, blocks, guides, prose
from tests.guides.transcript import exchanges
from tests.guides.translation import contents, with_blocks_of

RUN = {*ON_CONTROL_PLANE, *ON_NODE, *BY_OTHERS}
GUIDES = {str(path.relative_to(ROOT)): path for path in guides()}
ALL = [block for path in GUIDES.values() for block in blocks(path)]
SHOWN = frozenset({"text", "json", "mermaid", "toml", "html", "promql", "dockerfile"})
"""Languages of blocks that are there to be looked at."""


def place(block: Block) -> str:
    return block.place


@pytest.mark.parametrize("block", ALL, ids=place)
def test_a_block_is_run_or_says_why_not(block: Block) -> None:
    assert block.language in RUNNABLE | SHOWN, f"no such language here: {block.language!r}"
    if block.language not in RUNNABLE or block.guide in TRANSLATED.values():
        return
    if block.why_not is None:
        assert block.guide in RUN, "no test runs this guide: say `<!-- not run: why -->`"
    else:
        assert len(block.why_not.split()) > 1, "say why it is not run"


@pytest.mark.parametrize("block", [each for each in ALL if each.note], ids=place)
def test_a_note_is_one_of_those_we_know(block: Block) -> None:
    known = block.why_not is not None or block.file is not None or block.needs_node
    known = known or block.language == "given"
    assert known, f"unknown note: {block.note!r}"


@pytest.mark.parametrize("block", [each for each in ALL if each.file], ids=place)
def test_the_reader_is_told_to_save_a_file(block: Block) -> None:
    assert f"`{block.file}`" in block.lead, f"the words before it do not say {block.file}"


@pytest.mark.parametrize("block", [each for each in ALL if each.language == "console"], ids=place)
def test_a_transcript_can_be_read(block: Block) -> None:
    assert exchanges(block.text)


def test_guides_are_found_without_git(monkeypatch: pytest.MonkeyPatch) -> None:
    found = guides()
    monkeypatch.setenv("GIT_DIR", "/nowhere")

    assert guides() == found


def test_guides_that_are_run_are_there() -> None:
    assert GUIDES.keys() >= {*RUN, *TRANSLATED}
    assert all((ROOT / test).is_file() for test in BY_OTHERS.values())


@pytest.mark.parametrize(("ours", "chinese"), TRANSLATED.items())
def test_a_translation_has_the_same_blocks(ours: str, chinese: str) -> None:
    same = contents(ROOT / ours) == contents(ROOT / chinese)
    assert same, "run `python -m tests.guides.translation`"


@pytest.mark.parametrize(("ours", "chinese"), TRANSLATED.items())
def test_a_translation_has_the_same_headings_and_tables(ours: str, chinese: str) -> None:
    """What was added to the one is in the other."""
    assert outline(ROOT / ours) == outline(ROOT / chinese)


def outline(path: Path) -> list[str]:
    """The marks of headings, list items and rows of tables, in order, with the cells of each."""
    lines = prose(path).splitlines()
    marks = [re.match(r"#+ |- |\d+\. |\|", line) for line in lines]
    return [f"{mark[0]}{line.count('|')}" for mark, line in zip(marks, lines, strict=True) if mark]


def test_blocks_are_copied_in_order(tmp_path: Path) -> None:
    text = with_blocks_of(ROOT / "README.md", "# 一\n" + "```sh\n```\n二\n" * 4)

    assert text.startswith("# 一\n```sh\nmake demo\n```\n二\n```yaml\n")
    with pytest.raises(ValueError, match="1 more blocks"):
        with_blocks_of(ROOT / "README.md", "```sh\n```\n" * 3)
    with pytest.raises(ValueError, match="fewer blocks"):
        with_blocks_of(ROOT / "README.md", "```sh\n```\n" * 5)
