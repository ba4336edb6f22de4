"""Building from source: once for the same sources, with the compiler's words when it fails."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cluster import binaries, cache
from tests.cluster.binaries import KUBERNETES, KWOK, Build
from tests.cluster.errors import ClusterError

pytestmark = pytest.mark.skipif(shutil.which("go") is None, reason="needs Go (go.dev/dl)")
TINY = Build(name="tiny", package=".", takes="a second")
PROGRAM = "package main\n\nfunc main() { print(%s) }\n"


@pytest.fixture
def tiny(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A program of one line, and an empty cache."""
    source = tmp_path / "sources" / "tiny"
    source.mkdir(parents=True)
    (source / "go.mod").write_text("module tiny\n\ngo 1.24.0\n")
    (source / "main.go").write_text(PROGRAM % '"one"')
    monkeypatch.setattr(binaries, "SOURCES", source.parent)
    # Go's own caches stay where they are.
    monkeypatch.setattr(Path, "home", lambda: tmp_path)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    return source


def run(directory: Path) -> str:
    """What the built program prints."""
    return subprocess.run(
        [directory / "tiny"], capture_output=True, text=True, check=True
    ).stderr.strip()


def test_it_is_built_once_and_says_how_long_it_took(
    tiny: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The second time takes the same program and says nothing."""
    first = TINY.directory()
    said = capsys.readouterr().err
    assert "building Tiny from source (a second) ..." in said
    assert "built in" in said
    built = (first / "tiny").stat().st_mtime_ns
    assert TINY.directory() == first
    assert (first / "tiny").stat().st_mtime_ns == built
    assert capsys.readouterr().err == ""
    assert run(first) == "one"


def test_a_changed_source_is_built_anew(tiny: Path) -> None:
    """The old program stays for whoever still has the old source."""
    old = TINY.directory()
    (tiny / "main.go").write_text(PROGRAM % '"two"')
    assert run(TINY.directory()) == "two"
    assert run(old) == "one"


def test_a_failed_build_says_why_and_leaves_nothing(tiny: Path) -> None:
    """The next try builds again instead of finding half a program."""
    (tiny / "main.go").write_text(PROGRAM % "missing")
    with pytest.raises(ClusterError, match="undefined: missing"):
        TINY.directory()
    assert list(cache.directory("binaries").iterdir()) == []


@pytest.mark.parametrize("build", [KUBERNETES, KWOK], ids=lambda build: build.name)
def test_the_version_is_the_pinned_one(build: Build) -> None:
    """Said while building and compiled in."""
    assert [int(part) >= 0 for part in build.version.split(".")] == [True, True, True]


@pytest.mark.parametrize("name", ["kubernetes", "kwok", "pause"])
def test_modules_are_complete_and_tidy(name: str) -> None:
    """Every dependency is pinned by its hash, so that a build fetches what this one did."""
    build = Build(name=name, package=".", takes="")
    binaries.go(build, "list", "-mod=readonly", "-deps", "./..." if name != "kwok" else "tool")


def test_the_package_needs_nothing_but_the_standard_library() -> None:
    """`make cluster` runs before there is a virtual environment."""
    modules = [path.stem for path in Path(__file__).parent.glob("[a-z]*.py")]
    ours = [name for name in modules if not name.startswith("test_") and name != "supervisor"]
    imports = "; ".join(f"import tests.cluster.{name}" for name in ours)
    root = Path(__file__).parents[2]
    # -S: without site-packages.
    subprocess.run([sys.executable, "-S", "-c", imports], cwd=root, check=True)
