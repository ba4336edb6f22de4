"""Build contexts: which files an image is built from, and what makes it another image."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.cluster.context import Context
from tests.cluster.images import reference


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a Dockerfile, a program, notes, and what git ignores."""
    (tmp_path / "program").mkdir()
    (tmp_path / "program" / "main.py").write_text("print(1)")
    (tmp_path / "Dockerfile").write_text("ARG BASE")
    (tmp_path / "notes.md").write_text("a thought")
    (tmp_path / ".gitignore").write_text("*.pyc\n")
    (tmp_path / "program" / "main.pyc").write_bytes(b"\0")
    return tmp_path


@pytest.fixture
def repository(folder: Path) -> Path:
    """The same in a git repository, nothing committed yet."""
    subprocess.run(["git", "init", "--quiet"], cwd=folder, check=True)
    return folder


def test_files_are_those_that_git_would_track(repository: Path) -> None:
    """New files count, ignored ones do not."""
    files = Context(repository).files()
    assert files == [".gitignore", "Dockerfile", "notes.md", "program/main.py"]


def test_outside_of_git_all_files_count(folder: Path) -> None:
    """A sample copied elsewhere builds too."""
    assert "program/main.pyc" in Context(folder, include=["program"]).files()


def test_only_what_is_included_counts_and_the_dockerfile(repository: Path) -> None:
    """A changed note builds nothing."""
    context = Context(repository, include=["program"])
    assert context.files() == ["Dockerfile", "program/main.py"]
    before = context.key()
    (repository / "notes.md").write_text("another thought")
    assert context.key() == before


@pytest.mark.parametrize("change", ["content", "mode", "name", "dockerfile", "fact", "gone"])
def test_what_the_build_sees_makes_another_image(repository: Path, change: str) -> None:
    """Whatever could change the image changes the key."""
    context = Context(repository, include=["program"])
    before = context.key("base:1")
    program = repository / "program" / "main.py"
    match change:
        case "content":
            program.write_text("print(2)")
        case "mode":
            program.chmod(0o755)
        case "name":
            program.rename(program.with_name("other.py"))
        case "dockerfile":
            (repository / "Dockerfile").write_text("ARG BASE\nFROM ${BASE}")
        case "gone":
            program.unlink()
    fact = "base:2" if change == "fact" else "base:1"
    assert context.key(fact) != before


def test_a_build_sees_the_files_and_no_others(repository: Path, tmp_path: Path) -> None:
    """What is not in the key cannot get into the image."""
    target = tmp_path / "copy"
    target.mkdir()
    Context(repository, include=["program"]).copy(target)
    copied = sorted(str(path.relative_to(target)) for path in target.rglob("*") if path.is_file())
    assert copied == ["Dockerfile", "program/main.py"]


@pytest.mark.parametrize(
    ("tag", "full"),
    [
        ("gamesession", "docker.io/library/gamesession:latest"),
        ("gamesession:dev", "docker.io/library/gamesession:dev"),
        ("games/fortune:1", "docker.io/games/fortune:1"),
        ("example.org/games/fortune", "example.org/games/fortune:latest"),
        ("localhost/fortune:1", "localhost/fortune:1"),
        ("localhost:5000/fortune", "localhost:5000/fortune:latest"),
    ],
)
def test_a_short_name_means_what_kubelet_takes_it_for(tag: str, full: str) -> None:
    """Else the pod would not find the image that was built for it."""
    assert reference(tag) == full
