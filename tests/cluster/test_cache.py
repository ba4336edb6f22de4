"""The cache: what a thing's key depends on, where things are kept, and who may build."""

from __future__ import annotations

import multiprocessing
import time
from multiprocessing.synchronize import Event
from pathlib import Path

import pytest

from tests.cluster import cache

FILES = [("go.mod", b"module a"), ("main.go", b"package main")]


@pytest.mark.parametrize(
    ("files", "facts"),
    [
        ([("go.mod", b"module b"), FILES[1]], ("go1.26",)),
        ([("go.sum", b"module a"), FILES[1]], ("go1.26",)),
        (FILES[:1], ("go1.26",)),
        (FILES, ("go1.27",)),
        (FILES, ("go1.26", "-trimpath")),
        (FILES, ("go1.2", "6")),
        ([("go.mod", b"module"), ("main.go", b" apackage main")], ("go1.26",)),
    ],
)
def test_anything_that_differs_gives_another_key(
    files: list[tuple[str, bytes]], facts: tuple[str, ...]
) -> None:
    """Names, contents, facts, and where one ends and the next begins."""
    assert cache.key(files, *facts) != cache.key(FILES, "go1.26")


def test_the_order_of_files_does_not_matter() -> None:
    """Folders list their files in any order."""
    assert cache.key(FILES, "go1.26") == cache.key(reversed(FILES), "go1.26")


def test_the_cache_is_where_xdg_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An absolute `XDG_CACHE_HOME` counts."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache.directory("binaries") == tmp_path / "gamesession" / "binaries"
    assert cache.directory("binaries").is_dir()


@pytest.mark.parametrize("configured", ["", "relative/folder"])
def test_without_a_usable_setting_it_is_in_the_home_folder(
    configured: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is ever written into the folder that one happens to be in."""
    monkeypatch.setenv("XDG_CACHE_HOME", configured)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert cache.directory() == tmp_path / ".cache" / "gamesession"


def hold(path: Path, held: Event, release: Event) -> None:
    """Holds a lock until it may be released."""
    with cache.lock(path, "waiting"):
        held.set()
        release.wait(30)


def test_a_lock_is_waited_for_and_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Two builds of one thing never meet."""
    context = multiprocessing.get_context("spawn")
    held, release = context.Event(), context.Event()
    path = tmp_path / "locks" / "build"
    other = context.Process(target=hold, args=(path, held, release))
    other.start()
    assert held.wait(30)
    release_after = context.Process(target=_release, args=(release,))
    release_after.start()
    with cache.lock(path, "waiting for another build"):
        assert release.is_set()
    assert "waiting for another build" in capsys.readouterr().err
    other.join(30)
    release_after.join(30)


def _release(release: Event) -> None:
    release.set()


def test_the_lock_of_a_killed_process_is_free(tmp_path: Path) -> None:
    """Nobody has to remove lock files by hand."""
    context = multiprocessing.get_context("spawn")
    held, release = context.Event(), context.Event()
    path = tmp_path / "build"
    other = context.Process(target=hold, args=(path, held, release))
    other.start()
    assert held.wait(30)
    other.kill()
    begin = time.monotonic()
    with cache.lock(path, "waiting"):
        assert time.monotonic() - begin < 20
    other.join(30)
