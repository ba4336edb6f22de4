"""`from gamesession import …`"""

from __future__ import annotations

import subprocess
import sys

import pytest

import gamesession


@pytest.mark.parametrize("name", gamesession.__all__)
def test_what_back_ends_need_is_there(name: str) -> None:
    assert getattr(gamesession, name).__name__ == name


def test_what_is_not_there_is_told_as_usual() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'Nothing'"):
        gamesession.Nothing  # noqa: B018


def test_the_sdk_is_not_loaded_by_those_who_do_not_use_it() -> None:
    code = (
        "import sys, gamesession, gamesession.controller.operator\n"
        "print([name for name in sys.modules if name.startswith('gamesession.client')])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
