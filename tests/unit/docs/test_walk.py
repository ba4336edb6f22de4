"""Blocks of guides are run as a reader would run them."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.guides.guide import Block
from tests.guides.walk import BlockFailed, Walk


@pytest.fixture
async def walk(tmp_path: Path) -> AsyncIterator[Walk]:
    async with Walk(tmp_path, {"PATH": os.environ["PATH"]}, patience=20) as walk:
        yield walk


def block(language: str, text: str, note: str = "") -> Block:
    return Block("guide.md", language, text, 7, note, "")


async def test_variables_outlive_a_block(walk: Walk) -> None:
    await walk.take(block("sh", "NAME=alice\nexport NAME\n"))
    await walk.take(block("console", "$ echo hello $NAME\nhello alice\n$ false; echo $?\n1\n"))
    await walk.take(block("console", "$ false\n$ echo $?\n1\n"))


async def test_a_command_that_fails_fails_the_block(walk: Walk) -> None:
    with pytest.raises(BlockFailed, match=r"guide.md:7: exit code 3 of(.|\n)*so far"):
        await walk.take(block("sh", "echo so far\n(exit 3)\necho never\n"))


async def test_the_first_command_that_fails_is_enough(walk: Walk) -> None:
    with pytest.raises(BlockFailed, match="exit code 1"):
        await walk.take(block("sh", "false | true\ntrue\n"))


async def test_other_output_than_the_guides_fails_the_block(walk: Walk) -> None:
    with pytest.raises(BlockFailed, match=r"\$ echo b\n(.|\n)*expected:\na\n\nprinted:\nb"):
        await walk.take(block("console", "$ echo b\na\n"))


async def test_a_command_without_end_fails_the_block(tmp_path: Path) -> None:
    async with Walk(tmp_path, dict(os.environ), patience=0.2) as walk:
        with pytest.raises(BlockFailed, match="TimeoutError"):
            await walk.take(block("sh", "tail -f /dev/null\n"))


async def test_output_without_a_line_end_is_seen(walk: Walk) -> None:
    await walk.take(block("console", "$ printf 'no end'\nno end\n$ echo next\nnext\n"))


async def test_a_file_is_there_for_the_next_block(walk: Walk) -> None:
    await walk.take(block("yaml", "a: 1\n", "file: values.yaml"))
    await walk.take(block("console", "$ cat values.yaml\na: 1\n"))


async def test_python_goes_on_where_it_was(walk: Walk) -> None:
    await walk.take(block("python", "import asyncio\nseven = 7\n"))
    await walk.take(block("python", "await asyncio.sleep(0)\nassert seven == 7\n"))
    with pytest.raises(AssertionError):
        await walk.take(block("python", "assert seven == 8\n"))


async def test_blocks_that_say_why_not_are_not_run(walk: Walk) -> None:
    ran = await walk.through([block("sh", "false\n", "not run: it fails"), block("text", "x\n")])

    assert ran == 0


async def test_a_checkout_is_where_the_reader_stands(walk: Walk) -> None:
    await walk.take(block("sh", "test -f crds/gamelibrary.io_games.yaml\n"))
